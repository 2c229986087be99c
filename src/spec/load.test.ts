import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { isSlipwayError } from "../base/errors.js";
import { clusterJsonSchema, clusterSchemaId } from "./json-schema.js";
import { loadClusterSpec, parseClusterSpec } from "./load.js";
import { resolveSpec } from "./resolve.js";

const facts = { supportedVersions: ["1.36.1", "1.36.3"], defaultVersion: "1.36.3", takenSubnets: [] };
const head = "apiVersion: slipway.dev/v1alpha1\nkind: Cluster\n";
const form = (yaml: string) => parseClusterSpec(head + yaml, "cluster.yaml").form;
const refusal = (text: string) => {
  try {
    parseClusterSpec(text, "cluster.yaml");
  } catch (error) {
    if (isSlipwayError(error, "CONFIG_INVALID")) return error.message;
    throw error;
  }
  return undefined;
};

describe("a cluster file", () => {
  test("with everything in it becomes the complete spec", () => {
    const { form, locate } = parseClusterSpec(
      `${head}metadata: {name: demo}
kubernetesVersion: 1.36.3
nodes:
- role: control-plane
  memory: 4Gi
  cpus: 2
  labels: {disk: ssd}
  taints: ["dedicated=infra:NoSchedule", {key: slow, effect: NoExecute}]
- role: worker
network: {cni: bridge, podSubnet: 10.200.0.0/16, serviceSubnet: 10.97.0.0/16, nodeSubnet: auto, dnsDomain: demo.internal}
apiServer: {port: 8443, names: [k8s.example.com, "*.example.com"], ips: [192.168.7.7, "FD00::1"]}
extraConfig: {apiserver: {v: 04}, kubelet: {max-pods: "50", evictionHard: {memory.available: 100Mi}, failSwapOn: false}}
featureGates: {AllAlpha: true}
addons: [metrics-server, -storage-provisioner]
images: [agnhost]
mounts: [{host: /src, node: /src, readOnly: true}, /data:/mnt/data/]
ports: ["8080:30080", {hostPort: 53, nodePort: 30053, protocol: udp, hostAddress: "::"}]
`,
      "cluster.yaml",
    );
    expect(resolveSpec(form, facts, locate)).toEqual({
      apiVersion: "slipway.dev/v1alpha1",
      kind: "Cluster",
      metadata: { name: "demo" },
      kubernetesVersion: "v1.36.3",
      driver: "sandbox",
      bootstrapper: "units",
      containerRuntime: "containerd",
      nodes: [
        {
          name: "demo",
          index: 0,
          role: "control-plane",
          memoryBytes: 4 * 1024 ** 3,
          cpus: 2,
          labels: { disk: "ssd" },
          taints: [
            { key: "dedicated", value: "infra", effect: "NoSchedule" },
            { key: "slow", effect: "NoExecute" },
          ],
        },
        { name: "demo-m02", index: 1, role: "worker", labels: {}, taints: [] },
      ],
      network: {
        cni: "bridge",
        podSubnet: "10.200.0.0/16",
        serviceSubnet: "10.97.0.0/16",
        nodeSubnet: expect.stringMatching(/^10\.77\.\d+\.0\/24$/),
        dnsDomain: "demo.internal",
      },
      apiServer: { port: 8443, names: ["k8s.example.com", "*.example.com"], ips: ["192.168.7.7", "fd00::1"] },
      extraConfig: {
        apiserver: { v: "04" },
        kubelet: { "max-pods": "50", evictionHard: '{"memory.available":"100Mi"}', failSwapOn: "false" },
      },
      featureGates: { AllAlpha: true },
      addons: ["coredns", "default-storageclass", "metrics-server"],
      images: ["agnhost"],
      mounts: [
        { host: "/src", node: "/src", readOnly: true },
        { host: "/data", node: "/mnt/data", readOnly: false },
      ],
      ports: [
        { hostAddress: "127.0.0.1", hostPort: 8080, nodePort: 30080, protocol: "tcp" },
        { hostAddress: "::", hostPort: 53, nodePort: 30053, protocol: "udp" },
      ],
    });
  });

  test("may be JSON, and may use anchors", () => {
    expect(
      parseClusterSpec('{"apiVersion": "slipway.dev/v1alpha1", "kind": "Cluster", "nodes": 2}', "c.json").form
        .nodes,
    ).toBe(2);
    expect(
      form("nodes: [&n {role: control-plane, memory: 4Gi}, {role: worker, memory: &m 2Gi}, {memory: *m}]")
        .nodes,
    ).toHaveLength(3);
  });

  test("a version that YAML reads as a number stays what was written", () => {
    expect(form("kubernetesVersion: 1.30").kubernetesVersion).toBe("1.30");
    expect(form("extraConfig: {etcd: {quota-backend-bytes: 010, snapshot-count: 1e3}}").extraConfig).toEqual({
      etcd: { "quota-backend-bytes": "010", "snapshot-count": "1e3" },
    });
  });

  test("a manifest's path is meant from the file's directory", () => {
    const cni = (name: string, path: string) =>
      parseClusterSpec(`${head}network: {cni: ${path}}`, name).form.network?.cni;
    expect(cni("/etc/demo/cluster.yaml", "cni.yaml")).toBe("/etc/demo/cni.yaml");
    expect(cni("demo/cluster.yaml", "./cni.yaml")).toBe("demo/cni.yaml");
    expect(cni("demo/cluster.yaml", "/cni.yaml")).toBe("/cni.yaml");
    expect(cni("demo/cluster.yaml", "flannel")).toBe("flannel");
  });

  test.each([
    ["", "cluster.yaml:1:1: a cluster file is a map that begins with apiVersion: slipway.dev/v1alpha1"],
    ["# nothing", "a cluster file is a map"],
    ["- a", "a cluster file is a map"],
    ["nodes: 3", "cluster.yaml:1:1 apiVersion: is missing; write apiVersion: slipway.dev/v1alpha1"],
    [
      "apiVersion: slipway.dev/v1\nkind: Cluster",
      '1:1 apiVersion: "slipway.dev/v1" is not slipway.dev/v1alpha1, did you mean',
    ],
    [
      "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4",
      '2:1 apiVersion: "kind.x-k8s.io/v1alpha4" is not slipway.dev/v1alpha1',
    ],
    ["apiVersion: slipway.dev/v1alpha1\nkind: Pod", '2:1 kind: "Pod" is not Cluster'],
    [`${head}nodes: 1\nnodes: 2`, "cluster.yaml:4:1: Map keys must be unique"],
    [`${head}nodes: [1`, "cluster.yaml:3:10: Flow sequence"],
    [`${head}\tnodes: 1`, "cluster.yaml:3:1: Tabs are not allowed as indentation"],
    [`${head}---\n${head}`, "cluster.yaml:4:1: a cluster file holds one document; this is a second one"],
    [`${head}nodes: !!js/function 3`, "cluster.yaml:3:8: Unresolved tag"],
    [`${head}nodes: *n`, "cluster.yaml: Unresolved alias"],
    [`${head}{a: b}: c`, "With stringKeys, all keys must be strings"],
    [`${head}featureGates: {__proto__: true}`, "cluster.yaml:3:16: __proto__ cannot be a key"],
    [`${head}extraConfig: {kubelet: &k {a: *k}}`, "cluster.yaml: nested deeper than 64 levels"],
    [`${head}a: ${"[".repeat(5000)}${"]".repeat(5000)}`, "cluster.yaml: nested deeper than 64 levels"],
    ["- ".repeat(20_000), "cluster.yaml: nested deeper than 64 levels"],
    [`${head}#${"x".repeat(1 << 20)}`, "cluster.yaml: longer than a cluster file may be (1 MiB)"],
  ])("%#. is refused", (text, said) => {
    expect(refusal(text)).toContain(said);
  });

  test("aliases that expand without end are refused soon", () => {
    const bomb = ["a: &a0 [x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 12; i++)
      bomb.push(
        `b${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(", ")}]`,
      );
    const began = performance.now();
    expect(refusal(head + bomb.join("\n"))).toContain("Excessive alias count");
    expect(performance.now() - began).toBeLessThan(2000);
  });

  test("whatever the text is, there is a form or a CONFIG_INVALID with a place", () => {
    const fields = [
      "nodes",
      "network",
      "ports",
      "mounts",
      "extraConfig",
      "featureGates",
      "metadata",
      "memory",
      "addons",
      "__proto__",
      "kubelet",
      "constructor",
    ];
    const yamlish = fc.string({
      unit: fc.constantFrom(..."ab:-[]{}&*!|>%@#\"' \n\t,?0.", ...fields),
      maxLength: 80,
    });
    const tree = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.double(),
        fc.boolean(),
        fc.constant(null),
        fc.integer(),
        tie("list"),
        tie("map"),
      ),
      list: fc.array(tie("value"), { maxLength: 4 }),
      map: fc.dictionary(fc.oneof(fc.constantFrom(...fields), fc.string()), tie("value"), { maxKeys: 5 }),
    }));
    const anyText = fc.oneof(
      fc.string({ unit: "binary" }),
      yamlish,
      yamlish.map((text) => head + text),
      tree.map.map((map) => head + stringify(map)),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        try {
          const { form, locate } = parseClusterSpec(text, "cluster.yaml");
          resolveSpec(form, facts, locate);
        } catch (error) {
          expect(isSlipwayError(error, "CONFIG_INVALID"), String(error)).toBe(true);
          expect(String(error)).toContain("cluster.yaml");
        }
      }),
      { numRuns: 600 },
    );
  }, 60_000);
});

describe("a file on disk", () => {
  test("is read, or the error names it", async () => {
    const directory = await mkdtemp(join(tmpdir(), "slipway-spec-"));
    try {
      const path = join(directory, "cluster.yaml");
      await writeFile(path, `${head}nodes: 2\n`);
      expect((await loadClusterSpec(path)).form.nodes).toBe(2);
      await writeFile(path, Buffer.from([0xff, 0xfe, 0x00]));
      await expect(loadClusterSpec(path)).rejects.toThrow(`${path}: it is not text in UTF-8`);
      await expect(loadClusterSpec(directory)).rejects.toThrow(`${directory}: it is a directory`);
      await expect(loadClusterSpec(`${path}.no`)).rejects.toThrow(`${path}.no: there is no such file`);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe("the JSON Schema", () => {
  test("has an id, wants what a file must have, and describes every field", () => {
    const schema = clusterJsonSchema();
    expect(schema).toMatchObject({
      $id: clusterSchemaId,
      type: "object",
      additionalProperties: false,
      required: ["apiVersion", "kind"],
    });
    const undescribed: string[] = [];
    const walk = (node: Record<string, unknown>, path: string) => {
      for (const [name, field] of Object.entries(
        (node.properties ?? {}) as Record<string, Record<string, unknown>>,
      )) {
        if (typeof field.description !== "string") undescribed.push(`${path}${name}`);
        walk(field, `${path}${name}.`);
      }
      if (node.items) walk(node.items as Record<string, unknown>, path);
      for (const alternative of (node.anyOf ?? []) as Record<string, unknown>[]) walk(alternative, path);
    };
    walk(schema, "");
    expect(undescribed).toEqual([]);
  });
});
