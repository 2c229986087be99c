import { describe, expect, test } from "vitest";
import { decodeDataUrl } from "../ignition/data-url.js";
import { resolveSpec } from "../spec/resolve.js";
import { facts as resolveFacts } from "../spec/testing.js";
import type { KubeObject } from "./kube-object.js";
import { type ClusterPlan, type PlannedNode, planCluster } from "./plan.js";

const facts = { cgroupVersion: 1, mayLowerOomScore: false, nameservers: ["192.0.2.53"] } as const;

function plan(cni: string, manifest?: KubeObject[]): ClusterPlan {
  const spec = resolveSpec(
    {
      apiVersion: "slipway.dev/v1alpha1",
      kind: "Cluster",
      metadata: { name: "demo" },
      nodes: [{ role: "control-plane" }, { role: "worker" }],
      network: { cni, podSubnet: "10.244.0.0/16", nodeSubnet: "10.77.0.0/24" },
      apiServer: { port: 8443 },
    },
    resolveFacts,
  );
  return planCluster(spec, { ...facts, nameservers: [...facts.nameservers] }, manifest);
}

/** A node's files that have to do with its pod network, as text. */
const networkFiles = ({ config }: PlannedNode): Record<string, string> =>
  Object.fromEntries(
    (config.storage?.files ?? [])
      .filter(({ path }) => /cni|tmpfiles|masquerade/.test(path))
      .map(({ path, contents }) => [path, new TextDecoder().decode(decodeDataUrl(contents!.source!))]),
  );
const unitNames = ({ config }: PlannedNode) => (config.systemd?.units ?? []).map(({ name }) => name);
const groups = ({ objects }: ClusterPlan) => objects.map(({ name }) => name);
const objectsOf = (from: ClusterPlan, group: string) =>
  from.objects.find(({ name }) => name === group)?.objects ?? [];

describe("flannel", () => {
  const flannel = plan("flannel");
  const find = (kind: string) => objectsOf(flannel, "cni").find((object) => object.kind === kind)!;

  test("its objects come after the nodes and before the add-ons", () => {
    expect(groups(flannel).slice(0, 4)).toEqual(["rbac", "nodes", "cni", "coredns"]);
  });

  test("it has the pods' network, in a namespace that may have privileged pods", () => {
    expect(JSON.parse((find("ConfigMap").data as Record<string, string>)["net-conf.json"]!)).toEqual({
      Network: "10.244.0.0/16",
      EnableNFTables: true,
      Backend: { Type: "vxlan" },
    });
    expect(find("Namespace").metadata.labels).toMatchObject({
      "pod-security.kubernetes.io/enforce": "privileged",
    });
  });

  test("flanneld runs everywhere, asks the API by its address, and may do no more than it must", () => {
    const { spec } = (find("DaemonSet").spec as { template: { spec: Record<string, unknown> } }).template;
    expect(spec).toMatchObject({ hostNetwork: true, tolerations: [{ operator: "Exists" }] });
    const [container] = spec.containers as Record<string, unknown>[];
    expect(container).toMatchObject({
      image: "slipway.local/flannel:v0.28.4",
      env: expect.arrayContaining([
        { name: "KUBERNETES_SERVICE_HOST", value: "10.77.0.2" },
        { name: "KUBERNETES_SERVICE_PORT", value: "8443" },
      ]),
      securityContext: { capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] } },
    });
    expect(find("ClusterRole").rules).toEqual([
      { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] },
      { apiGroups: [""], resources: ["nodes/status"], verbs: ["patch"] },
    ]);
  });

  test("each node has its configuration at once, and the lease that follows from its Node's podCIDR", () => {
    expect(objectsOf(flannel, "nodes").map(({ spec }) => (spec as { podCIDR: string }).podCIDR)).toEqual([
      "10.244.0.0/24",
      "10.244.1.0/24",
    ]);
    for (const [i, node] of flannel.nodes.entries()) {
      const files = networkFiles(node);
      expect(Object.keys(files)).toEqual([
        "/etc/cni/net.d/10-flannel.conflist",
        "/etc/tmpfiles.d/flannel.conf",
      ]);
      const { plugins } = JSON.parse(files["/etc/cni/net.d/10-flannel.conflist"]!);
      expect(plugins.map(({ type }: { type: string }) => type)).toEqual(["flannel", "portmap"]);
      expect(files["/etc/tmpfiles.d/flannel.conf"]).toBe(
        `f /run/flannel/subnet.env 0644 root root - FLANNEL_NETWORK=10.244.0.0/16\\nFLANNEL_SUBNET=10.244.${i}.1/24\\nFLANNEL_MTU=1450\\nFLANNEL_IPMASQ=true\\n\n`,
      );
      expect(unitNames(node)).not.toContain("slipway-network.service");
    }
  });
});

test("with none, nodes have no configuration of a network, and nothing is applied for one", () => {
  const none = plan("none");
  expect(groups(none)).not.toContain("cni");
  expect(none.nodes.map(networkFiles)).toEqual([{}, {}]);
  expect(none.nodes.flatMap(unitNames)).not.toContain("slipway-network.service");
});

test("a manifest's objects come between the nodes and the add-ons, and nodes have no configuration of ours", () => {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "net" } };
  const own = plan("/net.yaml", [object]);
  expect(groups(own).slice(0, 4)).toEqual(["rbac", "nodes", "cni", "coredns"]);
  expect(objectsOf(own, "cni")).toEqual([object]);
  expect(own.nodes.map(networkFiles)).toEqual([{}, {}]);
});

test("with bridge, each node has its part of the pods' network and sends other traffic out under its own address", () => {
  for (const [i, node] of plan("bridge").nodes.entries()) {
    const files = networkFiles(node);
    expect(Object.keys(files)).toEqual(["/etc/cni/net.d/10-slipway.conflist", "/etc/slipway/masquerade.nft"]);
    expect(files["/etc/cni/net.d/10-slipway.conflist"]).toContain(`"subnet":"10.244.${i}.0/24"`);
    expect(unitNames(node)).toContain("slipway-network.service");
  }
});
