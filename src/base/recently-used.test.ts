import { expect, test } from "vitest";
import { RecentlyUsed } from "./recently-used.js";

test("what was not used the longest goes first, and what is too large is not kept", () => {
  const kept = new RecentlyUsed<number>(3300);
  for (const [i, key] of ["a", "b", "c"].entries()) kept.set(key, i, 198);
  for (let i = 0; i < 14; i++) {
    expect(kept.get("a")).toBe(0);
    kept.set(`x${i}`, i, 196);
  }
  expect(kept.get("a")).toBe(0);
  expect(kept.get("b")).toBeUndefined();
  expect(kept.get("x13")).toBe(13);
  kept.set("large", 1, 300);
  expect(kept.get("large")).toBeUndefined();
});
