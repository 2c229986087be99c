import { afterAll, beforeAll, expect, test } from "vitest";
import { hostState, TestHome } from "../harness.js";

// slipway is killed (SIGKILL) before and after every journal point of an operation, and run again each time: every run goes on
// from where the last one was cut off, and the last one converges, with the same authority.
const profile = "killed";
let home: TestHome;
let before: Awaited<ReturnType<typeof hostState>>;

beforeAll(async () => {
  before = await hostState();
  home = await TestHome.create();
});
afterAll(() => home[Symbol.asyncDispose]());

const nodes = async () => (await home.kubectl(profile, ["get", "nodes", "-o", "name"])).stdout.split("\n");

test("start", async () => {
  await home.slipway(["start", "-p", profile], {
    allowFailure: true,
    env: { SLIPWAY_TEST_KILL_AT_POINT: "16" },
  });
  const ca = await home.caFingerprint(profile);
  expect(await home.killAtEveryPoint(["start", "-p", profile])).toBeGreaterThanOrEqual(30);
  expect(await home.caFingerprint(profile)).toBe(ca);
  expect(await nodes()).toEqual(["node/killed"]);
});

test("node add", async () => {
  expect(await home.killAtEveryPoint(["node", "add", "killed-m02", "-p", profile])).toBeGreaterThanOrEqual(
    30,
  );
  expect(await nodes()).toEqual(["node/killed", "node/killed-m02"]);
});

test("node delete", async () => {
  const removed = async () => (await nodes()).length === 1;
  let points = 0;
  for (let point = 1; !(await removed()); point++) {
    const result = await home.slipway(["node", "delete", "killed-m02", "-p", profile], {
      allowFailure: true,
      env: { SLIPWAY_TEST_KILL_AT_POINT: String(point) },
    });
    if (result.exitCode === -1) points++;
    else if (result.exitCode !== 0) expect.fail(result.stderr);
  }
  expect(points).toBeGreaterThan(5);
});

test("stop, and the data is there afterwards", async () => {
  await home.kubectl(profile, ["create", "configmap", "kept", "--from-literal=a=b"]);
  expect(await home.killAtEveryPoint(["stop", "-p", profile])).toBeGreaterThanOrEqual(6);
  await home.slipway(["start", "-p", profile]);
  await home.kubectl(profile, ["get", "configmap", "kept"]);
});

test("delete", async () => {
  await home.killAtEveryPoint(["delete", "-p", profile]);
  expect(await hostState()).toEqual(before);
});
