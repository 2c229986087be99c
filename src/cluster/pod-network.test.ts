import { expect, test } from "vitest";
import type { KubeNode, Pod } from "../kube/wire.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { resolveSpec } from "../spec/resolve.js";
import { facts } from "../spec/testing.js";
import { flannelRuns, kubeletsReport, networkWaits } from "./pod-network.js";
import { clusterComponents } from "./software.js";
import { usualWaits } from "./wait-for.js";

const specWith = (cni: string): ClusterSpec =>
  resolveSpec(
    { apiVersion: "slipway.dev/v1alpha1", kind: "Cluster", metadata: { name: "demo" }, network: { cni } },
    facts,
  );
const names = (spec: ClusterSpec, waitFor = usualWaits(spec)) =>
  networkWaits(spec, waitFor).map(({ condition }) => condition.name);

test("what is waited for is what the network lets come true", () => {
  for (const cni of ["bridge", "flannel", "/net.yaml"]) {
    expect([...usualWaits(specWith(cni))]).toEqual(expect.arrayContaining(["node_ready", "apps_running"]));
  }
  expect([...usualWaits(specWith("none"))]).toEqual(["apiserver", "kubelet"]);
  expect(names(specWith("bridge"))).toEqual([]);
  expect(names(specWith("flannel"))).toEqual(["flannel runs on 1 nodes"]);
  expect(names(specWith("none"))).toEqual(["1 kubelets report"]);
  expect(names(specWith("flannel"), new Set(["apiserver"]))).toEqual([]);
  expect(names(specWith("bridge"), new Set(["kubelet", "node_ready"]))).toEqual([]);
});

test("nodes have flannel's plugin and image with flannel only", () => {
  const flannels = (cni: string) => {
    const { binaries, images } = clusterComponents(specWith(cni));
    return [...binaries, ...images].map(({ name }) => name).filter((name) => name.includes("flannel"));
  };
  expect(flannels("flannel")).toEqual(["cni-flannel", "flannel-image"]);
  expect(["bridge", "none", "/net.yaml"].flatMap(flannels)).toEqual([]);
});

const before = "2026-01-01T11:59:59Z";
const booted = new Date("2026-01-01T12:00:00.700Z");
const after = "2026-01-01T12:00:00Z";

const node = (status: string, lastHeartbeatTime = after) =>
  ({
    metadata: { name: "demo" },
    status: { conditions: [{ type: "Ready", status, lastHeartbeatTime }] },
  }) as KubeNode;

test("a kubelet has reported when it has said Ready or not, since the cluster was switched on", () => {
  const observe = (nodes: KubeNode[]) => kubeletsReport(["demo"], booted).observe(nodes);
  expect(observe([node("False")]).met).toBe(true);
  expect(observe([node("True")]).met).toBe(true);
  const unmet = { met: false, lastSeen: "demo: its kubelet has not reported yet" };
  expect(observe([])).toEqual(unmet);
  expect(observe([{ metadata: { name: "demo" } }])).toEqual(unmet);
  expect(observe([node("Unknown")])).toEqual(unmet);
  expect(observe([node("False", before)])).toEqual(unmet);
});

const flanneld = (ready: "True" | "False", state: object) =>
  ({
    metadata: { name: "kube-flannel-ds-x" },
    spec: { nodeName: "demo" },
    status: { conditions: [{ type: "Ready", status: ready }], containerStatuses: [{ state }] },
  }) as Pod;

test("flannel runs when each node's flanneld is Ready, started since the cluster was switched on", () => {
  const observe = (pods: Pod[]) => flannelRuns(["demo"], booted).observe(pods);
  expect(observe([flanneld("True", { running: { startedAt: after } })]).met).toBe(true);
  expect(observe([flanneld("True", { running: { startedAt: before } })]).met).toBe(false);
  expect(observe([])).toEqual({ met: false, lastSeen: "demo has no pod of flannel yet" });
  expect(observe([flanneld("False", { waiting: { reason: "ErrImageNeverPull", message: "no" } })])).toEqual({
    met: false,
    lastSeen: "kube-flannel-ds-x on demo: ErrImageNeverPull: no",
  });
});
