import { expect, test } from "vitest";
import { isSince } from "./ready.js";

const booted = new Date("2026-11-21T12:00:00.700Z");
const now = new Date("2026-11-21T12:00:20Z");

test.each([
  ["in the second of the boot", "2026-11-21T12:00:00Z", true],
  ["before", "2026-11-21T11:59:59Z", false],
  ["just now", "2026-11-21T12:00:20Z", true],
  ["by a node whose clock is a little ahead", "2026-11-21T12:04:00Z", true],
  ["before, with the clock ahead by hours", "2026-11-21T14:00:00Z", false],
  ["never", undefined, false],
])("what was reported %s", (_, time, since) => {
  expect(isSince(time, booted, now)).toBe(since);
});
