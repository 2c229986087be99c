import { expect, test } from "vitest";
import { namedComponents } from "./component-flags.js";

test("components are of the Kubernetes version that is asked for, however it is written", () => {
  for (const asked of ["v1.35.4", "1.35.4", "1.35"])
    expect(namedComponents(["kubelet"], asked)).toEqual([{ name: "kubelet", version: "v1.35.4" }]);
  expect(() => namedComponents(["kubelet"], "1.12")).toThrow(/"1.12" is not offered/);
});
