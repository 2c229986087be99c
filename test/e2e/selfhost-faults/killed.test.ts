import { afterAll, beforeAll, expect, test } from "vitest";
import { hostState, TestHome } from "../harness.js";
import { Subject } from "../snapshot/app.js";
import { FaultyCluster } from "./cluster.js";

// slipway is killed (SIGKILL) before and after every journal point of what makes and moves a self-hosted control plane, and run
// again each time. Each test goes on where the last one ended.
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
  expect(await home.killAtEveryPoint(["start", "-p", profile, ...args])).toBeGreaterThanOrEqual(50);
  await app.make();
  await cluster.expectWell(version);
});

test("unpivot", async () => {
  expect(await home.killAtEveryPoint(["selfhost", "unpivot", "-p", profile])).toBeGreaterThanOrEqual(33);
  await cluster.expectWell(version, "static");
});

test("pivot, with an etcd that is slow", async () => {
  {
    await using _slow = await cluster.slowEtcd();
    expect(await home.killAtEveryPoint(["selfhost", "pivot", "-p", profile])).toBeGreaterThanOrEqual(20);
  }
  await cluster.expectWell(version);
});

test("recover, on a machine made anew", { timeout: 600_000 }, async () => {
  await home.slipway(["snapshot", "save", "-p", profile]);
  await cluster.destroyMachine();
  expect(await home.killAtEveryPoint(["selfhost", "recover", "-p", profile])).toBeGreaterThanOrEqual(50);
  await app.expectAsMade();
  await cluster.expectWell(version);
});

test("nothing is left", async () => {
  await home.slipway(["delete", "-p", profile]);
  expect(await hostState()).toEqual(before);
});
