import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addonNames } from "./addons.js";
import { applyFlags } from "./apply-flags.js";
import { configurableComponents } from "./cluster-spec.js";
import {
  operationFlags,
  type StartFlag,
  type StartFlagValues,
  specFlags,
  startFlags,
  waitParts,
} from "./flags.js";
import { clusterJsonSchema } from "./json-schema.js";
import { parseClusterSpec } from "./load.js";
import { preloadableImages } from "./preloaded-images.js";
import { mountText, portMappingText } from "./publish.js";
import { resolveSpec } from "./resolve.js";
import type { ClusterForm } from "./schema.js";
import { startOptions } from "./start-options.js";

const facts = { supportedVersions: ["1.36.3"], defaultVersion: "1.36.3", takenSubnets: [] };

const over = (yaml: string, flags: StartFlagValues): ClusterForm =>
  applyFlags(
    parseClusterSpec(`apiVersion: slipway.dev/v1alpha1\nkind: Cluster\n${yaml}`, "cluster.yaml"),
    flags,
  ).form;

describe("the flags as data", () => {
  test("each has a summary, one that fits beside its name, and a letter of its own", () => {
    const shorts = Object.values(startFlags as Record<string, StartFlag>).flatMap(({ short }) => short ?? []);
    expect(new Set(shorts).size).toBe(shorts.length);
    for (const flag of Object.values(startFlags as Record<string, StartFlag>)) {
      expect(flag.summary).toMatch(/^[A-Z].*[^.]$/);
      expect(flag.type === "boolean").toBe(flag.value === undefined);
    }
  });

  test("each spec flag names a field that a file has", () => {
    const properties = (schema: unknown, field: string): unknown =>
      (schema as { properties: Record<string, unknown> }).properties[field];
    for (const { field } of Object.values(specFlags)) {
      expect(field.split(".").reduce(properties, clusterJsonSchema() as unknown), field).toBeDefined();
    }
  });

  test("each example works", () => {
    const examples = Object.entries(startFlags as Record<string, StartFlag>).filter(
      ([, { example }]) => example,
    );
    const values = Object.fromEntries(
      examples.map(([name, { type, example }]) => [
        name,
        type === "strings" ? [example] : type === "integer" ? Number(example) : example,
      ]),
    ) as StartFlagValues;
    const { form, locate } = applyFlags(undefined, values);
    expect(resolveSpec(form, facts, locate).nodes).toHaveLength(3);
    expect(startOptions(values)).toMatchObject({ wait: [...waitParts], waitTimeoutMs: 90_000 });
    expect(examples.map(([name]) => name).sort()).toEqual(
      Object.entries(startFlags as Record<string, StartFlag>)
        .filter(([name, { type }]) =>
          type !== "boolean" && name !== "wait-timeout" ? true : name === "wait-timeout",
        )
        .map(([name]) => name)
        .sort(),
    );
  });
});

describe("flags over a file", () => {
  test("a value replaces the file's", () => {
    expect(
      over("metadata: {name: a}\nkubernetesVersion: '1.35'\nnetwork: {cni: bridge, dnsDomain: x.y}", {
        profile: "b",
        "kubernetes-version": "1.36",
        cni: "flannel",
      }),
    ).toMatchObject({
      metadata: { name: "b" },
      kubernetesVersion: "1.36",
      network: { cni: "flannel", dnsDomain: "x.y" },
    });
  });

  test("memory and cpus replace those of each node", () => {
    expect(over("nodes: [{memory: 1Gi, cpus: 1}, {memory: 3Gi}]", { memory: "2Gi" })).toMatchObject({
      memory: "2Gi",
      nodes: [{ cpus: 1 }, {}],
    });
    const form = over("nodes: [{memory: 1Gi, cpus: 1}, {memory: 3Gi}]", { memory: "2Gi" });
    expect(resolveSpec(form, facts).nodes.map(({ memoryBytes, cpus }) => [memoryBytes, cpus])).toEqual([
      [2 * 1024 ** 3, 1],
      [2 * 1024 ** 3, undefined],
    ]);
  });

  test("nodes cuts the file's list, or adds workers", () => {
    const names = (nodes: number) =>
      resolveSpec(over("nodes: [{name: a}, {name: b}]", { nodes }), facts).nodes.map(
        ({ name, role }) => `${name} ${role}`,
      );
    expect(names(1)).toEqual(["a control-plane"]);
    expect(names(3)).toEqual(["a control-plane", "b worker", "slipway-m03 worker"]);
    expect(over("nodes: 2", { nodes: 5 }).nodes).toBe(5);
  });

  test("what can be repeated is added", () => {
    expect(
      over(
        "addons: [metrics-server]\nports: ['1:2']\nextraConfig: {kubelet: {v: 2, max-pods: 10}}\nfeatureGates: {AllAlpha: true, AllBeta: true}",
        {
          addons: ["-coredns, -storage-provisioner"],
          ports: ["3:4,5:6/udp"],
          "extra-config": ["kubelet.v=4", "etcd.log-level=warn", "apiserver.authorization-mode=Node,RBAC"],
          "feature-gates": ["AllAlpha=false,OpenAPIEnums=true"],
        },
      ),
    ).toMatchObject({
      addons: ["metrics-server", "-coredns", "-storage-provisioner"],
      ports: ["1:2", "3:4", "5:6/udp"],
      extraConfig: {
        kubelet: { v: "4", "max-pods": "10" },
        etcd: { "log-level": "warn" },
        apiserver: { "authorization-mode": "Node,RBAC" },
      },
      featureGates: { AllAlpha: false, AllBeta: true, OpenAPIEnums: true },
    });
  });

  test("no flags change nothing, nor does the file's form change under flags", () => {
    const loaded = parseClusterSpec(
      "apiVersion: slipway.dev/v1alpha1\nkind: Cluster\nports: ['1:2']",
      "cluster.yaml",
    );
    const before = structuredClone(loaded.form);
    expect(applyFlags(loaded, {}).form).toEqual(before);
    applyFlags(loaded, { ports: ["3:4"], nodes: 3 });
    expect(loaded.form).toEqual(before);
    expect(applyFlags(undefined, {}).form).toEqual({});
  });

  test("a form written as flags is read back", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}[a-z0-9]$/);
    const path = fc
      .stringMatching(/^(\/[a-z0-9 ,.=-]{1,8}){1,3}$/)
      .map((text) => `/m${text}`.replace(/\/\.+(?=\/|$)/g, ""));
    const port = fc.integer({ min: 1, max: 65_535 });
    const address = fc.oneof(fc.ipV4(), fc.constantFrom("::1", "fd00::7"));
    const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
    const list = <T>(value: fc.Arbitrary<T>) => some(fc.array(value, { minLength: 1, maxLength: 3 }));
    const anyForm = fc.record({
      metadata: some(fc.record({ name })),
      nodes: some(fc.integer({ min: 1, max: 1000 })),
      memory: some(fc.constantFrom("4Gi", "max", "4096")),
      cpus: some(fc.constantFrom("2", "500m", "no-limit")),
      dnsDomain: some(name),
      apiPort: some(port),
      names: list(name),
      ips: list(address),
      addons: list(fc.constantFrom(...addonNames)),
      images: list(fc.constantFrom(...preloadableImages)),
      mounts: list(fc.record({ host: path, node: path, readOnly: fc.boolean() }).map(mountText)),
      ports: list(
        fc
          .record({
            hostAddress: address,
            hostPort: port,
            nodePort: port,
            protocol: fc.constantFrom("tcp", "udp"),
          })
          .map(portMappingText),
      ),
      extraConfig: some(
        fc.dictionary(
          fc.constantFrom(...configurableComponents),
          fc.dictionary(name, fc.string(), { minKeys: 1, maxKeys: 2 }),
          { minKeys: 1 },
        ),
      ),
      featureGates: some(fc.dictionary(fc.stringMatching(/^[A-Z]\w{1,5}$/), fc.boolean(), { minKeys: 1 })),
    });
    fc.assert(
      fc.property(anyForm, ({ dnsDomain, apiPort, names, ips, ...rest }) => {
        const apiServer = pruned({ port: apiPort, names, ips });
        const form = pruned({
          ...rest,
          network: pruned({ dnsDomain }),
          apiServer,
        }) as ClusterForm;
        const flags = pruned({
          profile: rest.metadata?.name,
          nodes: rest.nodes,
          memory: rest.memory,
          cpus: rest.cpus,
          "dns-domain": dnsDomain,
          "apiserver-port": apiPort,
          "apiserver-names": names,
          "apiserver-ips": ips && [ips.join(",")],
          addons: rest.addons,
          image: rest.images,
          mount: rest.mounts,
          ports: rest.ports,
          "extra-config":
            rest.extraConfig &&
            Object.entries(rest.extraConfig).flatMap(([component, settings]) =>
              Object.entries(settings).map(([key, value]) => `${component}.${key}=${value}`),
            ),
          "feature-gates": rest.featureGates && [
            Object.entries(rest.featureGates)
              .map(([gate, value]) => `${gate}=${value}`)
              .join(","),
          ],
        }) as StartFlagValues;
        expect(applyFlags(undefined, flags).form).toEqual(form);
      }),
    );
  });
});

/** Without what is undefined; undefined when nothing is left. */
function pruned(value: Record<string, unknown>): Record<string, unknown> | undefined {
  const kept = Object.entries(value).filter(([, field]) => field !== undefined);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

describe("the options of start", () => {
  test("have defaults", () => {
    expect(startOptions({})).toEqual({
      wait: ["apiserver", "default_sa", "apps_running", "node_ready"],
      waitTimeoutMs: 360_000,
      keepContext: false,
      dryRun: false,
      output: "text",
      offline: false,
      downloadOnly: false,
      deleteOnFailure: false,
    });
  });

  test.each([
    ["all", [...waitParts]],
    ["true", [...waitParts]],
    ["none", []],
    ["false", []],
    ["kubelet, apiserver,kubelet", ["apiserver", "kubelet"]],
  ])("--wait %s", (wait, parts) => {
    expect(startOptions({ wait }).wait).toEqual(parts);
  });

  test.each([
    ["90s", 90_000],
    ["6m0s", 360_000],
    ["1h30m", 5_400_000],
    ["1.5s", 1500],
    ["250ms", 250],
  ])("--wait-timeout %s", (text, milliseconds) => {
    expect(startOptions({ "wait-timeout": text }).waitTimeoutMs).toBe(milliseconds);
  });

  test("addresses lose their final slash", () => {
    expect(
      startOptions({
        "binary-mirror": "https://mirror.example.com/k8s/",
        "image-repository": "registry.example.com:5000/k8s/",
      }),
    ).toMatchObject({
      binaryMirror: "https://mirror.example.com/k8s",
      imageRepository: "registry.example.com:5000/k8s",
    });
  });

  test("yaml goes with --dry-run", () => {
    expect(startOptions({ output: "yaml", "dry-run": true })).toMatchObject({ output: "yaml", dryRun: true });
  });

  test("their help is in the data", () => {
    expect(operationFlags.wait.default).toBe("apiserver,default_sa,apps_running,node_ready");
  });
});
