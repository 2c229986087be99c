import { expect, test } from "vitest";
import { SlipwayError } from "../../base/errors.js";
import { renderError } from "./error-text.js";

test("what happened, what was seen, what to do", () => {
  const error = new SlipwayError("API_NOT_READY", "the API server did not become ready in 60 s", {
    details: {
      "last seen": "https://10.77.0.2:6443/readyz → 500",
      output: "first line\nsecond line\n",
    },
    hint: "slipway logs --unit etcd",
    cause: new Error("read ECONNRESET"),
  });
  expect(renderError(error, { color: false })).toBe(
    [
      "slipway: the API server did not become ready in 60 s  [API_NOT_READY]",
      "  last seen  https://10.77.0.2:6443/readyz → 500",
      "  output     first line",
      "             second line",
      "  try        slipway logs --unit etcd",
      "",
    ].join("\n"),
  );
  expect(renderError(error, { color: false, verbose: true })).toContain("\n  because    read ECONNRESET\n");
  expect(renderError(error, { color: true })).toContain("\u001b[31mslipway:\u001b[39m");
});

test("a bug shows where it is, and where its report is", () => {
  const text = renderError(new TypeError("x is not a function"), {
    color: false,
    report: "/state/last-bug.txt",
  });
  expect(text).toMatch(
    /^slipway: x is not a function {2}\[INTERNAL\]\n {2}stack {3}x is not a function\n {10}at /,
  );
  expect(text.split("\n").filter((line) => line.includes(" at ")).length).toBeLessThanOrEqual(6);
  expect(text).toContain("\n  report  /state/last-bug.txt\n");
  expect(renderError("thrown text", { color: false })).toContain("slipway: thrown text  [INTERNAL]");
});
