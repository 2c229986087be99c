import { expect, test } from "vitest";
import type { Rollout, RolloutPod } from "./checkpoint/rollout.js";
import { observeRollout } from "./rollout.js";

const pod = (name: string, fields: Partial<RolloutPod> = {}): RolloutPod => ({
  name,
  node: "n",
  ending: false,
  updated: true,
  readySinceMs: 1,
  failure: undefined,
  unreadySinceMs: undefined,
  ...fields,
});
const rollout = (pods: RolloutPod[], desired = 1): Rollout => ({
  current: "b",
  lastGood: "a",
  lastGoodTemplate: {},
  rollbacks: {},
  guarded: true,
  desired,
  minReadyMs: 0,
  pods,
});

test("a rollout has ended when the new pods are ready and the old ones gone", () => {
  expect(observeRollout(rollout([pod("new")]))).toEqual({ met: true });
  expect(observeRollout(rollout([pod("new"), pod("old", { updated: false })]))).toMatchObject({
    met: false,
    lastSeen: "1 of the pods before have not ended",
  });
  expect(observeRollout(rollout([pod("old", { updated: false })]))).toMatchObject({ met: false });
  expect(observeRollout(rollout([pod("a"), pod("b")], 3))).toMatchObject({
    lastSeen: "2 of 3 new pods are ready",
  });
});

test("what a new pod fails of is said", () => {
  const failing = pod("new", { readySinceMs: undefined, failure: "container c: ErrImagePull" });
  expect(observeRollout(rollout([failing]))).toMatchObject({
    lastSeen: "0 of 1 new pods are ready: new: container c: ErrImagePull",
  });
});

test("no node for its pods is no success", () => {
  expect(observeRollout(rollout([], 0))).toMatchObject({ met: false });
});
