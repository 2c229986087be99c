import fc from "fast-check";
import { expect, test } from "vitest";
import { didYouMean, nearest } from "./nearest.js";

const commands = ["start", "stop", "status", "delete", "node", "kubectl"];

test("finds what a mistyped word meant", () => {
  expect(nearest("satrt", commands)).toEqual(["start"]);
  expect(nearest("stat", commands)).toEqual(["start", "status", "stop"]);
  expect(nearest("KubeCtl", commands)).toEqual(["kubectl"]);
  expect(nearest("deltee", commands)).toEqual(["delete"]);
  expect(nearest("frobnicate", commands)).toEqual([]);
});

test("says so in one line, or nothing", () => {
  expect(didYouMean("nod", commands)).toBe("did you mean node?");
  expect(didYouMean("frobnicate", commands)).toBeUndefined();
});

test("every word of the list is its own nearest", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 3 }), { minLength: 1 }), (words) => {
      expect(nearest(words[0]!, words).map((w) => w.toLowerCase())).toContain(words[0]!.toLowerCase());
    }),
  );
});
