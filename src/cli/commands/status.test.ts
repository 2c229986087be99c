import { expect, test } from "vitest";
import { isSlipwayError } from "../../base/errors.js";
import { exitCode, fillIn } from "./status.js";

const good = {
  Name: "demo",
  Host: "Running",
  Kubelet: "Running",
  APIServer: "Running",
  Kubeconfig: "Configured",
  Certificates: "Valid",
  Worker: false,
} as const;
const worker = {
  ...good,
  Name: "demo-m02",
  APIServer: "Irrelevant",
  Kubeconfig: "Irrelevant",
  Certificates: "Irrelevant",
  Worker: true,
} as const;

test.each([
  [[good, worker], 0],
  [[{ ...good, APIServer: "Error" } as const, worker], 2],
  [[good, { ...worker, Kubelet: "Stopped" } as const], 2],
  [[{ ...good, Kubeconfig: "Missing" } as const], 4],
  [[{ ...good, Host: "Stopped", Kubelet: "Stopped", APIServer: "Stopped" } as const, worker], 3],
  [
    [
      {
        ...good,
        Host: "Nonexistent",
        Kubelet: "Stopped",
        APIServer: "Stopped",
        Kubeconfig: "Missing",
      } as const,
    ],
    7,
  ],
])("%j ends with %i", (nodes, expected) => {
  expect(exitCode(nodes)).toBe(expected);
});

test("a template takes fields, and names those there are", () => {
  expect(fillIn("{{.Name}}: {{ .APIServer }}", good)).toBe("demo: Running");
  let thrown: unknown;
  try {
    fillIn("{{.ApiServer}}", good);
  } catch (error) {
    thrown = error;
  }
  expect(isSlipwayError(thrown, "USAGE") && thrown.message).toBe(
    "a node's status has no field ApiServer, did you mean APIServer?",
  );
});
