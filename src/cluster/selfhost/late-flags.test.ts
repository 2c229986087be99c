import { expect, test } from "vitest";
import { resolveSpec } from "../../spec/resolve.js";
import { facts } from "../../spec/testing.js";
import { lateFlags } from "./late-flags.js";

const spec = resolveSpec(
  {
    metadata: { name: "demo" },
    nodes: [{ role: "control-plane" }],
    extraConfig: {
      apiserver: { "max-requests-inflight": "500", "audit-log-maxage": "3" },
      scheduler: { v: "3" },
    },
  },
  facts,
);
const workload = (name: string, command: string[]) => ({
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name },
  spec: { template: { spec: { containers: [{ command }] } } },
});

test("flags that a live workload does not have, or has with another value", () => {
  const live = [
    workload("kube-apiserver", ["kube-apiserver", "--audit-log-maxage=3", "--max-requests-inflight=400"]),
    workload("kube-scheduler", ["kube-scheduler"]),
    workload("kube-controller-manager", ["kube-controller-manager"]),
  ];
  expect(lateFlags(spec, live)).toEqual([
    "kube-apiserver --max-requests-inflight=500",
    "kube-scheduler --v=3",
  ]);
});

test("none where it has them, or where there is no workload: that is made with them", () => {
  expect(lateFlags(spec, [workload("kube-scheduler", ["kube-scheduler", "--v=3"])])).toEqual([]);
});
