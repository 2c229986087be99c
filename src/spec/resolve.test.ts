import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isSlipwayError, type SlipwayError } from "../base/errors.js";
import { overlaps } from "../net/cidr.js";
import type { ClusterSpec } from "./cluster-spec.js";
import type { ResolveFacts } from "./facts.js";
import { checkForm } from "./form.js";
import { resolveSpec } from "./resolve.js";
import { nextNode } from "./resolve-nodes.js";
import type { ClusterForm } from "./schema.js";

const host: ResolveFacts = {
  supportedVersions: ["1.34.4", "1.35.4", "1.36.1", "1.36.3"],
  defaultVersion: "1.36.3",
  takenSubnets: ["192.168.1.7/24", "0.0.0.0/0"],
};

const resolve = (form: ClusterForm, facts: Partial<ResolveFacts> = {}): ClusterSpec =>
  resolveSpec(checkForm(form), { ...host, ...facts });

const refusal = (run: () => unknown): SlipwayError => {
  try {
    run();
  } catch (error) {
    if (isSlipwayError(error)) return error;
    throw error;
  }
  throw new Error("it was not refused");
};

describe("gaps", () => {
  test("an empty form is one node of the default version", () => {
    expect(resolve({})).toEqual({
      apiVersion: "slipway.dev/v1alpha1",
      kind: "Cluster",
      metadata: { name: "slipway" },
      kubernetesVersion: "v1.36.3",
      driver: "sandbox",
      bootstrapper: "units",
      containerRuntime: "containerd",
      nodes: [{ name: "slipway", index: 0, role: "control-plane", labels: {}, taints: [] }],
      network: {
        cni: "bridge",
        podSubnet: "10.244.0.0/16",
        serviceSubnet: "10.96.0.0/16",
        nodeSubnet: "10.77.0.0/24",
        dnsDomain: "cluster.local",
      },
      apiServer: { port: 6443, names: [], ips: [] },
      extraConfig: {},
      featureGates: {},
      addons: ["coredns", "default-storageclass", "storage-provisioner"],
      images: [],
      mounts: [],
      ports: [],
    });
  });

  test.each([
    ["1.36.1", "v1.36.1"],
    ["v1.35.4", "v1.35.4"],
    ["1.36", "v1.36.3"],
    ["v1.34", "v1.34.4"],
    ["stable", "v1.36.3"],
    ["latest", "v1.36.3"],
  ])("version %s is %s", (asked, version) => {
    expect(resolve({ kubernetesVersion: asked }).kubernetesVersion).toBe(version);
  });

  test.each([
    [{ controlPlanes: 3 }, "ccc"],
    [{ controlPlanes: 3, nodes: 5 }, "cccww"],
    [{ nodes: [{}, {}, {}, {}], controlPlanes: 3 }, "cccw"],
    [{ nodes: [{}, {}, { role: "control-plane" }, { role: "control-plane" }] }, "cwcc"],
  ] as const)("the roles of %j are %s", (asked, roles) => {
    const { nodes } = resolve(structuredClone(asked) as Parameters<typeof resolve>[0]);
    expect(nodes.map(({ role }) => role[0]).join("")).toBe(roles);
  });

  test("a cluster that has come to two or four control planes can be started again, by its number too", () => {
    const three = resolve({ nodes: 4, controlPlanes: 3 });
    const [first, , third, worker] = three.nodes;
    const existing = { ...three, nodes: [first!, worker!, third!] };
    expect(resolve({}, { existing }).nodes).toEqual(existing.nodes);
    expect(resolve({ controlPlanes: 2 }, { existing }).nodes).toEqual(existing.nodes);
  });

  test("stable passes over a release candidate", () => {
    const supportedVersions = ["1.36.3", "1.37.0-rc.1"];
    expect(resolve({ kubernetesVersion: "stable" }, { supportedVersions }).kubernetesVersion).toBe("v1.36.3");
    expect(resolve({ kubernetesVersion: "1.37.0-rc.1" }, { supportedVersions }).kubernetesVersion).toBe(
      "v1.37.0-rc.1",
    );
  });

  test("nodes are named as minikube names them", () => {
    const names = (form: ClusterForm) => resolve(form).nodes.map(({ name }) => name);
    expect(names({ nodes: 3, metadata: { name: "demo" } })).toEqual(["demo", "demo-m02", "demo-m03"]);
    expect(names({ nodes: [{ name: "cp" }, {}, { name: "w" }], metadata: { name: "demo" } })).toEqual([
      "cp",
      "demo-m02",
      "w",
    ]);
    expect(names({ nodes: [{}, { name: "demo-m03" }, {}], metadata: { name: "demo" } })).toEqual([
      "demo",
      "demo-m03",
      "demo-m04",
    ]);
    expect(names({ nodes: 12 }).at(-1)).toBe("slipway-m12");
  });

  test.each([
    [4096, 4 * 1024 ** 3],
    ["4096", 4 * 1024 ** 3],
    ["4Gi", 4 * 1024 ** 3],
    ["4g", 4 * 1024 ** 3],
    ["4GB", 4 * 1024 ** 3],
    ["1.5GiB", 1.5 * 1024 ** 3],
    ["2097152k", 2 * 1024 ** 3],
    ["max", 8 * 1024 ** 3],
    ["no-limit", undefined],
  ])("memory %s is %s bytes", (memory, bytes) => {
    const facts = { hostMemoryBytes: 8 * 1024 ** 3 };
    expect(resolve({ memory }, facts).nodes[0]!.memoryBytes).toBe(bytes);
    expect(resolve({ memory: "1Gi", nodes: [{ memory }] }, facts).nodes[0]!.memoryBytes).toBe(bytes);
  });

  test.each([
    [2, 2],
    ["1.5", 1.5],
    ["500m", 0.5],
    ["max", 4],
    ["no-limit", undefined],
  ])("cpus %s is %s", (cpus, count) => {
    expect(resolve({ cpus }, { hostCpus: 4 }).nodes[0]!.cpus).toBe(count);
  });

  test("minikube's words for networks work, and a manifest becomes absolute", () => {
    const cni = (text: string) =>
      resolve({ network: { cni: text } }, { workingDirectory: "/home/me" }).network.cni;
    expect(cni("auto")).toBe("bridge");
    expect(cni("false")).toBe("none");
    expect(cni("cni.yaml")).toEqual({ manifest: "/home/me/cni.yaml" });
    expect(cni("/etc/cni.json")).toEqual({ manifest: "/etc/cni.json" });
  });

  test("add-ons are added to the default ones, and taken from them", () => {
    expect(resolve({ addons: ["metrics-server", "-coredns"] }).addons).toEqual([
      "default-storageclass",
      "metrics-server",
      "storage-provisioner",
    ]);
  });
});

describe("networks", () => {
  test("a taken range is passed over", () => {
    const network = resolve({}, { takenSubnets: ["10.77.0.1/24", "10.244.3.9", "fd00::9"] }).network;
    expect(network.nodeSubnet).toBe("10.77.1.0/24");
    expect(network.podSubnet).toBe("10.245.0.0/16");
  });

  test("a host on 10.0.0.0/8 gets other private ranges", () => {
    const network = resolve({}, { takenSubnets: ["10.0.0.0/8"] }).network;
    expect(network.nodeSubnet).toBe("172.30.0.0/24");
    expect(network.podSubnet).toBe("172.16.0.0/16");
    expect(network.serviceSubnet).toBe("172.31.0.0/16");
  });

  test("a VPN's two half routes are no networks", () => {
    expect(resolve({}, { takenSubnets: ["0.0.0.0/1", "128.0.0.0/1"] }).network.podSubnet).toBe(
      "10.244.0.0/16",
    );
  });

  test("IPv6 routes of the host do not matter", () => {
    expect(resolve({}, { takenSubnets: ["fd00::/8", "fe80::1/64"] }).network.nodeSubnet).toBe("10.77.0.0/24");
  });

  test("a profile's preferred node subnet follows from its name", () => {
    const subnet = (name: string) => resolve({ metadata: { name } }).network.nodeSubnet;
    expect(subnet("demo")).toBe(subnet("demo"));
    expect(subnet("demo")).not.toBe("10.77.0.0/24");
  });

  test("a given range that the host uses is a conflict", () => {
    const error = refusal(() => resolve({ network: { podSubnet: "192.168.0.0/16" } }));
    expect(error).toMatchObject({ code: "NETWORK_CONFLICT", hint: expect.stringContaining("--pod-cidr") });
    expect(error.message).toBe(
      "network.podSubnet 192.168.0.0/16 overlaps 192.168.1.0/24, which this host uses",
    );
  });

  test("where the whole private space is routed, a piece of it that nothing narrower uses is taken", () => {
    const takenSubnets = ["10.0.0.0/8", "172.16.0.0/12", "10.77.0.0/24", "192.168.0.0/16"];
    expect(resolve({}, { takenSubnets }).network).toMatchObject({
      nodeSubnet: "10.77.1.0/24",
      podSubnet: "10.244.0.0/16",
      serviceSubnet: "10.96.0.0/16",
    });
    expect(resolve({ network: { podSubnet: "10.9.0.0/16" } }, { takenSubnets }).network.podSubnet).toBe(
      "10.9.0.0/16",
    );
  });

  test("no free range is a conflict, with the flag to set", () => {
    const takenSubnets = Array.from({ length: 512 }, (_, i) => `${i < 256 ? "10" : "172"}.${i % 256}.0.0/16`);
    const given = { nodeSubnet: "100.64.0.0/24", podSubnet: "100.80.0.0/16", serviceSubnet: "100.96.0.0/16" };
    const error = refusal(() => resolve({ network: { ...given, podSubnet: "auto" } }, { takenSubnets }));
    expect(error).toMatchObject({ code: "NETWORK_CONFLICT", hint: expect.stringContaining("--pod-cidr") });
    expect(resolve({ network: given }, { takenSubnets }).network).toMatchObject(given);
  });

  test("whatever is taken, the three ranges are apart from each other, and stay acceptable", () => {
    const cidr = fc
      .tuple(fc.constantFrom("10", "172", "192"), fc.nat(255), fc.nat(255), fc.integer({ min: 8, max: 32 }))
      .map(([a, b, c, length]) => `${a}.${b}.${c}.0/${length}`);
    fc.assert(
      fc.property(
        fc.array(cidr, { maxLength: 6 }),
        fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/),
        (taken, name) => {
          const spec = resolve({ metadata: { name } }, { takenSubnets: taken });
          const { nodeSubnet, podSubnet, serviceSubnet } = spec.network;
          expect(
            overlaps(nodeSubnet, podSubnet) ||
              overlaps(podSubnet, serviceSubnet) ||
              overlaps(nodeSubnet, serviceSubnet),
          ).toBe(false);
          const again = resolve({ metadata: { name } }, { takenSubnets: taken });
          expect(again).toEqual(spec);
          // What was chosen is in no one's way: given as the user's own, it is not refused.
          resolve(
            { metadata: { name }, network: { nodeSubnet, podSubnet, serviceSubnet } },
            { takenSubnets: taken },
          );
        },
      ),
    );
  });
});

describe("a profile that exists", () => {
  const form: ClusterForm = {
    metadata: { name: "demo" },
    nodes: [{ memory: "2Gi", labels: { a: "b" } }, { name: "w" }],
    network: { podSubnet: "10.10.0.0/16" },
    extraConfig: { kubelet: { "max-pods": 50 } },
    addons: ["metrics-server"],
    ports: ["8080:30080"],
  };
  const existing = resolve(form);
  const again = (changed: ClusterForm) => resolve(changed, { existing, takenSubnets: ["10.0.0.0/8"] });

  test("stays as it is when nothing is said, or the same again", () => {
    expect(again({})).toEqual(existing);
    expect(again(form)).toEqual(existing);
    expect(again({ network: { nodeSubnet: "auto" } })).toEqual(existing);
  });

  test("takes what can change, and keeps the rest", () => {
    const spec = again({
      memory: "3Gi",
      addons: ["-metrics-server"],
      ports: [],
      apiServer: { names: ["x.example.com"] },
    });
    expect(spec.nodes.map(({ memoryBytes }) => memoryBytes)).toEqual([3 * 1024 ** 3, 3 * 1024 ** 3]);
    expect(spec.nodes[0]!.labels).toEqual({ a: "b" });
    expect(spec.addons).toEqual(["coredns", "default-storageclass", "storage-provisioner"]);
    expect(spec.ports).toEqual([]);
    expect(spec.extraConfig).toEqual(existing.extraConfig);
    expect(spec.network).toEqual(existing.network);
  });

  test("keeps a version that is no longer offered", () => {
    const facts = { existing: { ...existing, kubernetesVersion: "v1.35.0" } };
    expect(resolve({}, facts).kubernetesVersion).toBe("v1.35.0");
  });

  test.each<[ClusterForm, string, string]>([
    [
      { network: { podSubnet: "10.11.0.0/16" } },
      "network.podSubnet 10.10.0.0/16; it cannot become 10.11.0.0/16",
      "slipway delete -p demo, then start",
    ],
    [
      { network: { serviceSubnet: "10.97.0.0/16" } },
      "network.serviceSubnet 10.96.0.0/16; it cannot become 10.97.0.0/16",
      "leave network.serviceSubnet as it is",
    ],
    [
      { network: { nodeSubnet: "10.1.0.0/24" } },
      "it cannot become 10.1.0.0/24",
      "leave network.nodeSubnet as it is",
    ],
    [{ network: { dnsDomain: "x.y" } }, "network.dnsDomain cluster.local; it cannot become x.y", "leave"],
    [{ network: { cni: "flannel" } }, "network.cni bridge; it cannot become flannel", "leave"],
    [{ kubernetesVersion: "1.35" }, "kubernetesVersion v1.36.3; it cannot become v1.35.4", "leave"],
    [{ metadata: { name: "other" } }, "metadata.name demo; it cannot become other", "leave"],
    [{ apiServer: { port: 8443 } }, "apiServer.port 6443; it cannot become 8443", "leave"],
    [
      { nodes: 3 },
      "nodes demo (control-plane), w (worker); it cannot become demo (control-plane), w (worker), demo-m03 (worker)",
      "slipway node add -p demo",
    ],
    [
      { controlPlanes: 3 },
      "it cannot become demo (control-plane), w (control-plane), demo-m03 (control-plane)",
      "slipway node add -p demo --control-plane",
    ],
    [{ nodes: 1 }, "it cannot become demo (control-plane)", "slipway node delete -p demo NAME"],
    [
      { nodes: [{}, { name: "v" }] },
      "it cannot become demo (control-plane), v (worker)",
      "slipway node delete",
    ],
  ])("%j is refused", (change, said, hint) => {
    const error = refusal(() => again(change));
    expect(error).toMatchObject({ code: "PROFILE_EXISTS", hint: expect.stringContaining(hint) });
    expect(error.message).toContain(`cluster demo exists with `);
    expect(error.message).toContain(said);
  });

  test("each further change is told", () => {
    const error = refusal(() =>
      again({ network: { dnsDomain: "x.y", podSubnet: "10.11.0.0/16" }, apiServer: { port: 8443 } }),
    );
    expect(error.details).toEqual({
      "network.dnsDomain": "cluster.local, asked for x.y",
      "apiServer.port": "6443, asked for 8443",
    });
  });

  test("a node that joins takes the lowest free place", () => {
    const three = resolve({ metadata: { name: "demo" }, nodes: 3 });
    const without2: ClusterSpec = { ...three, nodes: three.nodes.filter(({ index }) => index !== 1) };
    expect(nextNode(three)).toEqual({ name: "demo-m04", index: 3, role: "worker", labels: {}, taints: [] });
    expect(nextNode(without2)).toMatchObject({ name: "demo-m02", index: 1 });
    expect(nextNode(without2, { name: "w", memory: "1Gi", taints: ["a:NoExecute"] })).toMatchObject({
      name: "w",
      memoryBytes: 1024 ** 3,
      taints: [{ key: "a", effect: "NoExecute" }],
    });
    expect(refusal(() => nextNode(three, { name: "demo" })).message).toContain("demo");
    expect(refusal(() => nextNode(three, { name: "A" })).message).toContain("cannot be a node's name");
  });
});

test("more memory than the host has is refused", () => {
  const error = refusal(() =>
    resolve({ nodes: [{}, { memory: "8Gi" }] }, { hostMemoryBytes: 4 * 1024 ** 3 }),
  );
  expect(error.code).toBe("MEMORY_SHORT");
  expect(error.message).toBe("node slipway-m02 asks for 8 GiB of memory, and the host has 4 GiB");
});
