import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Pod } from "../../kube/wire.js";
import type { KubeObject } from "../../plan/kube-object.js";
import type { AssetObject } from "./assets.js";
import { bootstrapNode } from "./control-plane-node.js";
import { flagOf } from "./flag-of.js";
import { isPlacedByUs, placedManifest } from "./placed-manifest.js";
import { defaultRequiredPods, requiredPods } from "./required-pods.js";

const pod = (...command: string[]): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "bootstrap-kube-apiserver", namespace: "kube-system" },
  spec: { containers: [{ name: "a", command }] },
});

describe("a flag of a pod's command", () => {
  test("the last one counts; its name is the whole of it", () => {
    expect(flagOf(pod("kube-apiserver", "--secure-port=1", "--secure-port=2"), "secure-port")).toBe("2");
    expect(flagOf(pod("kube-apiserver", "--secure-portal=1"), "secure-port")).toBeUndefined();
  });

  test("of a DaemonSet's template, in its args too", () => {
    const containers = [{ command: ["x"], args: ["--secure-port=7443"] }];
    const daemonSet = { ...pod(), kind: "DaemonSet", spec: { template: { spec: { containers } } } };
    expect(flagOf(daemonSet, "secure-port")).toBe("7443");
  });
});

describe("a bootstrap pod in the kubelet's directory", () => {
  const files = new Map([
    ["kube-apiserver/pki/ca.crt", "CA"],
    ["kube-scheduler/scheduler.conf", "conf"],
  ]);

  test("is another pod when a file that it reads is another, and only then", () => {
    const placed = placedManifest(pod(), "kube-apiserver", files);
    const changed = (path: string) =>
      placedManifest(pod(), "kube-apiserver", new Map(files).set(path, "new"));
    expect(changed("kube-apiserver/pki/ca.crt")).not.toBe(placed);
    expect(changed("kube-scheduler/scheduler.conf")).toBe(placed);
    expect(parse(placed)).toMatchObject(pod());
    expect(placed).not.toContain("CA");
  });

  test("is known again; one of somebody else is not", () => {
    const placed = placedManifest(pod(), "kube-apiserver", files);
    expect(isPlacedByUs(placed, pod())).toBe(true);
    expect(isPlacedByUs(JSON.stringify(pod()), pod())).toBe(false);
    expect(isPlacedByUs("{", pod())).toBe(false);
    expect(isPlacedByUs("", pod())).toBe(false);
  });
});

describe("required pods", () => {
  const workload = (kind: string, name: string): AssetObject => ({
    file: `manifests/${name}.yaml`,
    object: { apiVersion: "apps/v1", kind, metadata: { name, namespace: "kube-system" } },
  });
  const usual = [
    workload("DaemonSet", "kube-apiserver"),
    workload("Deployment", "kube-controller-manager"),
    workload("Deployment", "kube-scheduler"),
  ];
  const names = (found: ReturnType<typeof requiredPods>) => found.required.map(({ name }) => name).sort();

  test("bootkube's four, as far as the assets hold them", () => {
    expect(requiredPods(undefined, usual).left).toEqual(["kube-system/pod-checkpointer"]);
    const whole = requiredPods(undefined, [...usual, workload("DaemonSet", "pod-checkpointer")]);
    expect(whole.left).toEqual([]);
    expect(names(whole).map((name) => `kube-system/${name}`)).toEqual([...defaultRequiredPods].sort());
  });

  test("a control plane without a scheduler is refused", () => {
    expect(() => requiredPods(undefined, usual.slice(0, 2))).toThrow("kube-system/kube-scheduler");
  });

  test("workloads as their controllers report them, others by their pods; the API server always", () => {
    const found = requiredPods(["kube-system/kube-scheduler", "web/shop"], usual);
    expect(found.required.map(({ condition }) => condition.name)).toEqual([
      "deployment kube-system/kube-scheduler is available",
      "pods web/shop… are Ready",
      "daemon set kube-system/kube-apiserver is ready",
    ]);
  });

  test.each(["kube-apiserver", "a/b/c", "/x", ""])("%j is no namespace/name", (text) => {
    expect(() => requiredPods([text], usual)).toThrow("is not namespace/name");
  });
});

describe("the node of the bootstrap control plane", () => {
  const mirror = (
    node: string,
    hostIP: string,
    annotations = { "kubernetes.io/config.mirror": "x" },
  ): Pod => ({
    metadata: { name: `bootstrap-kube-apiserver-${node}`, annotations },
    spec: { nodeName: node, containers: [] },
    status: { hostIP },
  });
  const look = (pods: Pod[], addresses = ["10.0.0.1"]) => {
    let found: string | undefined;
    const condition = bootstrapNode(["bootstrap-kube-apiserver"], new Set(addresses), (node) => {
      found = node;
    });
    return { seen: condition.observe(pods), found };
  };

  test("is the one that shows its static pods", () => {
    expect(look([mirror("a", "10.9.9.9")])).toEqual({ seen: { met: true }, found: "a" });
  });

  test("of several, the one with an address of this machine", () => {
    expect(look([mirror("b", "10.0.0.2"), mirror("a", "10.0.0.1")]).found).toBe("a");
    expect(look([mirror("b", "10.0.0.2"), mirror("c", "10.0.0.3")]).seen).toMatchObject({ met: false });
  });

  test("a pod that is no mirror of a static one is none", () => {
    const impostor = { ...mirror("a", "10.0.0.1"), metadata: { name: "bootstrap-kube-apiserver-a" } };
    expect(look([impostor])).toEqual({
      seen: { met: false, lastSeen: expect.stringContaining("kubelet has not registered") },
      found: undefined,
    });
  });
});
