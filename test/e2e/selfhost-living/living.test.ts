import { afterAll, beforeAll, expect, test } from "vitest";
import type { SelfhostStatus } from "../../../src/cluster/selfhost/status.js";
import { TestHome } from "../harness.js";
import { failuresMeanwhile, statusOf } from "./meanwhile.js";

/** A self-hosted cluster's life, with clients that call its API every 10 ms all the while. */

const profile = "living";
const before = "v1.35.4";
const after = "v1.36.3";
let home: TestHome;

beforeAll(async () => {
  home = await TestHome.create();
  await home.slipway([
    "start",
    "-p",
    profile,
    "--bootstrapper",
    "selfhosted",
    "--kubernetes-version",
    before,
  ]);
});
afterAll(() => home[Symbol.asyncDispose]());

const status = () => statusOf(home, profile);
const meanwhile = (args: string[]) => failuresMeanwhile(home, profile, args);

test("what cannot be an upgrade is refused before anything is touched", async () => {
  const back = await home.slipway(["selfhost", "upgrade", "-p", profile, "--to", "1.34.4"], {
    allowFailure: true,
  });
  expect(back.stderr).toContain("is older");
  const start = await home.slipway(["start", "-p", profile, "--kubernetes-version", after], {
    allowFailure: true,
  });
  expect(start.stderr).toContain(`selfhost upgrade -p ${profile} --to ${after}`);
});

test("an upgrade, kubelet and all, without a failed call", async () => {
  expect(await meanwhile(["selfhost", "upgrade", "-p", profile, "--to", after])).toEqual([]);
  const seen = await status();
  expect(seen.kubernetesVersion).toBe(after);
  expect(seen.odd).toEqual([]);
  expect(seen.nodes.map(({ kubelet }) => kubelet)).toEqual([after]);
  expect(seen.lastSnapshot?.name).toMatch(/^before-v1\.36\.3-/);
});

test("new certificates reach the pods without a failed call", async () => {
  const expiry = ({ certificates }: SelfhostStatus) => certificates.map(({ notBefore }) => String(notBefore));
  const old = expiry(await status());
  expect(await meanwhile(["certs", "renew", "-p", profile])).toEqual([]);
  const { certificates, odd } = await status();
  expect(odd).toEqual([]);
  const renewed = certificates.filter(({ file }) => !file.includes("ca.crt"));
  expect(renewed.length).toBeGreaterThan(0);
  for (const { notBefore } of renewed) expect(old).not.toContain(String(notBefore));
});

test("to static pods, off and on, and back to objects", async () => {
  expect(await meanwhile(["selfhost", "unpivot", "-p", profile])).toEqual([]);
  const asStatic = await status();
  expect(asStatic.bootstrapper).toBe("static");
  expect(asStatic.odd).toEqual([]);
  await home.slipway(["stop", "-p", profile]);
  await home.slipway(["start", "-p", profile]);
  expect(await meanwhile(["selfhost", "pivot", "-p", profile])).toEqual([]);
  const again = await status();
  expect(again.bootstrapper).toBe("selfhosted");
  expect(again.odd).toEqual([]);
});
