import { afterAll, beforeAll, expect, test } from "vitest";
import { hostState, TestHome } from "../harness.js";
import { callsMeanwhile, failuresOf } from "../selfhost-living/meanwhile.js";
import { Subject } from "../snapshot/app.js";
import { FaultyCluster } from "./cluster.js";

// slipway is killed (SIGKILL) before and after the journal's entries between any two steps of what makes and moves a self-hosted
// control plane, and run again each time. Each test goes on where the last one ended.
const profile = "killedself";
const version = "v1.36.3";
let home: TestHome;
let cluster: FaultyCluster;
let app: Subject;
let before: Awaited<ReturnType<typeof hostState>>;

beforeAll(async () => {
  before = await hostState();
  home = await TestHome.create();
  cluster = new FaultyCluster(home, profile);
  app = new Subject(home, profile);
});
afterAll(() => home[Symbol.asyncDispose]());

test("start", async () => {
  const args = ["--bootstrapper", "selfhosted", "--kubernetes-version", version, "--image", "agnhost"];
  expect(await home.killAtEveryState(["start", "-p", profile, ...args])).toBeGreaterThanOrEqual(30);
  await app.make();
  await cluster.expectWell(version);
});

test("unpivot, without a failed call", async () => {
  const calls = await callsMeanwhile(home, profile, async () => {
    expect(await home.killAtEveryState(["selfhost", "unpivot", "-p", profile])).toBeGreaterThanOrEqual(17);
  });
  expect(failuresOf(calls)).toEqual([]);
  await cluster.expectWell(version, "static");
});

test("static pods, off and on", async () => {
  await home.slipway(["stop", "-p", profile]);
  await home.slipway(["start", "-p", profile]);
  await cluster.expectWell(version, "static");
});

test("pivot, with an etcd that is slow, without a failed call", async () => {
  const calls = await callsMeanwhile(home, profile, async () => {
    await using _slow = await cluster.slowEtcd();
    expect(await home.killAtEveryState(["selfhost", "pivot", "-p", profile])).toBeGreaterThanOrEqual(11);
  });
  expect(failuresOf(calls)).toEqual([]);
  await cluster.expectWell(version);
});

test("recover, on a machine made anew", { timeout: 600_000 }, async () => {
  await home.slipway(["snapshot", "save", "-p", profile]);
  await cluster.destroyMachine();
  expect(await home.killAtEveryState(["selfhost", "recover", "-p", profile])).toBeGreaterThanOrEqual(48);
  await app.expectAsMade();
  await cluster.expectWell(version);
});

test("nothing is left", async () => {
  await home.slipway(["delete", "-p", profile]);
  expect(await hostState()).toEqual(before);
});
