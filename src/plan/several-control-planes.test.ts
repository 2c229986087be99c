import { describe, expect, test } from "vitest";
import { decodeDataUrl } from "../ignition/data-url.js";
import { resolveSpec } from "../spec/resolve.js";
import type { ClusterForm } from "../spec/schema.js";
import { facts as resolveFacts } from "../spec/testing.js";
import { type ClusterPlan, planCluster } from "./plan.js";
import { unitChanges } from "./unit-changes.js";

const facts = { cgroupVersion: 1, mayLowerOomScore: false, nameservers: [] } as const;

const plan = (form: Pick<ClusterForm, "nodes" | "controlPlanes">): ClusterPlan =>
  planCluster(
    resolveSpec(
      { metadata: { name: "demo" }, network: { nodeSubnet: "10.77.0.0/24" }, ...form },
      resolveFacts,
    ),
    { ...facts, nameservers: [] },
  );
/** The plan without some of its nodes, as while they come or go. */
const without = (from: ClusterPlan, ...names: string[]): ClusterPlan =>
  planCluster(
    { ...from.spec, nodes: from.spec.nodes.filter(({ name }) => !names.includes(name)) },
    from.facts,
  );

const nodeOf = ({ nodes }: ClusterPlan, name: string) => nodes.find((node) => node.name === name)!;
const unit = (from: ClusterPlan, node: string, name: string): string | undefined =>
  nodeOf(from, node).config.systemd?.units?.find((entry) => entry.name === `${name}.service`)?.contents;
const file = (from: ClusterPlan, node: string, path: string): string | undefined => {
  const source = nodeOf(from, node).config.storage?.files?.find((entry) => entry.path === path)?.contents;
  return source?.source && new TextDecoder().decode(decodeDataUrl(source.source));
};

const one = plan({ nodes: 2 });
const three = plan({ controlPlanes: 3, nodes: 4 });

describe("three control planes", () => {
  test("etcd's members know each other, by one token", () => {
    for (const name of ["demo", "demo-m02", "demo-m03"]) {
      expect(unit(three, name, "etcd")).toContain(
        "--initial-cluster=demo=https://10.77.0.2:2380,demo-m02=https://10.77.0.3:2380,demo-m03=https://10.77.0.4:2380",
      );
      expect(unit(three, name, "etcd")).toContain("--initial-cluster-token=slipway-demo");
    }
    expect(unit(three, "demo-m02", "etcd")).toContain("--initial-advertise-peer-urls=https://10.77.0.3:2380");
    expect(unit(three, "demo-m02", "kube-apiserver")).toContain("--etcd-servers=https://127.0.0.1:2379");
  });

  test("one controller manager and one scheduler lead", () => {
    for (const name of ["kube-controller-manager", "kube-scheduler"]) {
      expect(unit(three, "demo-m02", name)).toContain("--leader-elect=true");
      expect(unit(one, "demo", name)).toContain("--leader-elect=false");
    }
  });

  test("everybody reaches the API by the endpoint, the control planes by their own end of it", () => {
    const servers = Object.fromEntries(three.kubeconfigs.map(({ name, server }) => [name, server]));
    expect(servers).toMatchObject({
      admin: "https://10.77.0.254:6443",
      proxy: "https://10.77.0.254:6443",
      "kubelet/demo-m04": "https://10.77.0.254:6443",
      "kubelet/demo-m02": "https://127.0.0.1:6443",
      scheduler: "https://127.0.0.1:6443",
    });
    const haproxy = file(three, "demo-m03", "/etc/haproxy/haproxy.cfg");
    expect(haproxy).toContain("bind 10.77.0.254:6443");
    expect(haproxy).toContain("bind 127.0.0.1:6443");
    for (const host of [2, 3, 4])
      expect(haproxy).toMatch(new RegExp(`server \\S+ 10\\.77\\.0\\.${host}:6443`));
    expect(unit(three, "demo-m03", "kube-apiserver")).toContain("--bind-address=10.77.0.4");
  });

  test("each holds the endpoint's address at another rank, and names the others", () => {
    const config = (name: string) => file(three, name, "/etc/keepalived/keepalived.conf")!;
    const ranks = ["demo", "demo-m02", "demo-m03"].map((name) => /priority (\d+)/.exec(config(name))?.[1]);
    expect(new Set(ranks).size).toBe(3);
    expect(config("demo-m02")).toMatch(
      /unicast_src_ip 10\.77\.0\.3\n\s+unicast_peer \{\n\s+10\.77\.0\.2\n\s+10\.77\.0\.4\n\s+\}/,
    );
    expect(unit(three, "demo-m04", "keepalived")).toBeUndefined();
  });
});

describe("one control plane", () => {
  test("runs nothing of the endpoint, and its certificate names it already", () => {
    expect(unit(one, "demo", "haproxy")).toBeUndefined();
    expect(unit(one, "demo", "kube-apiserver")).not.toContain("--bind-address");
    expect(one.kubeconfigs.find(({ name }) => name === "admin")?.server).toBe("https://10.77.0.2:6443");
    const certificate = (from: ClusterPlan) =>
      from.certificates.find(({ name }) => name === "apiserver/demo");
    expect(certificate(one)?.ips).toContain("10.77.0.254");
    expect(certificate(one)).toEqual(certificate(three));
  });
});

describe("what running nodes take up", () => {
  const two = without(three, "demo-m03");
  const single = without(three, "demo-m02", "demo-m03");

  test("from one to two, the first gets the endpoint in front of its API server, and etcd goes on", () => {
    expect(unit(single, "demo", "etcd")).toContain("--heartbeat-interval");
    expect(unit(two, "demo", "etcd")).not.toContain("--heartbeat-interval");
    expect(unitChanges(single, two, "demo")).toEqual({
      removed: [],
      restarted: [
        "kube-apiserver",
        "haproxy",
        "keepalived",
        "kube-controller-manager",
        "kube-scheduler",
        "kube-proxy",
      ].map((name) => `${name}.service`),
      reloaded: [],
    });
    expect(unitChanges(single, two, "demo-m04")).toEqual({
      removed: [],
      restarted: expect.arrayContaining(["kubelet.service", "kube-proxy.service"]),
      reloaded: [],
    });
  });

  test("from two to three, nothing is started anew", () => {
    const reload = { removed: [], restarted: [], reloaded: ["haproxy.service", "keepalived.service"] };
    expect(unitChanges(two, three, "demo")).toEqual(reload);
    expect(unitChanges(two, three, "demo-m04")).toEqual({ removed: [], restarted: [], reloaded: [] });
  });

  test("back to one, the endpoint goes", () => {
    expect(unitChanges(two, single, "demo")).toMatchObject({
      removed: ["haproxy.service", "keepalived.service"],
      restarted: expect.arrayContaining(["kube-apiserver.service"]),
    });
  });

  test("a node of which nothing is known starts all but its container runtime anew", () => {
    const { restarted } = unitChanges(two, three, "demo-m03");
    expect(restarted).toContain("kubelet.service");
    expect(restarted).not.toContain("containerd.service");
  });
});
