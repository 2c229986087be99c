import { expect, test } from "vitest";
import { type Candidate, isPromotable } from "./promotion.js";

const timing = { promoteAfterMs: 15_000, dataSettleMs: 120_000 };
const now = 10_000_000;
const candidate = (more: Partial<Candidate> = {}): Candidate => ({
  fingerprint: "new",
  revision: "2",
  readySinceMs: now - 15_000,
  aloneSinceMs: now - 15_000,
  seenSinceMs: now,
  ...more,
});

test("a pod that has been Ready and alone for a while becomes the checkpoint, whatever it was before", () => {
  expect(isPromotable(candidate(), undefined, now, timing)).toBe(true);
  expect(isPromotable(candidate(), { fingerprint: "old", revision: "1" }, now, timing)).toBe(true);
});

test("one that is not Ready, not for long, or was not alone does not", () => {
  for (const more of [
    { readySinceMs: undefined },
    { readySinceMs: now - 14_999 },
    { aloneSinceMs: now - 14_999 },
  ]) {
    expect(isPromotable(candidate(more), undefined, now, timing)).toBe(false);
  }
});

test("changed data of a good revision waits until kubelets have brought it into the pod", () => {
  const stored = { fingerprint: "old", revision: "2" };
  expect(isPromotable(candidate({ seenSinceMs: now - 119_999 }), stored, now, timing)).toBe(false);
  expect(isPromotable(candidate({ seenSinceMs: now - 120_000 }), stored, now, timing)).toBe(true);
});

test("what is there already is not written again", () => {
  expect(isPromotable(candidate(), { fingerprint: "new", revision: "2" }, now, timing)).toBe(false);
});
