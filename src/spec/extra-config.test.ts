import { describe, expect, test } from "vitest";
import { configurableComponents } from "./cluster-spec.js";
import { componentOptions, isConfigField } from "./component-options.js";
import { checkExtraConfig, configFieldValue, featureGatesOf } from "./extra-config.js";
import { nowhere, ProblemCollector } from "./problems.js";
import { resolveSpec } from "./resolve.js";
import type { ClusterForm } from "./schema.js";

const offered = ["v1.34.4", "v1.35.4", "v1.36.3"];
const facts = { supportedVersions: offered, defaultVersion: "v1.36.3", takenSubnets: [] };

const problemsWith = (extraConfig: NonNullable<ClusterForm["extraConfig"]>, version = "v1.36.3") => {
  const problems = new ProblemCollector(nowhere);
  checkExtraConfig(extraConfig, componentOptions(version)!, problems);
  return problems.problems.map(({ message }) => message);
};

describe("what components can be told", () => {
  test.each(offered)("%s was looked at", (version) => {
    const options = componentOptions(version)!;
    expect(options.fields.kubelet).toMatchObject({
      maxPods: "integer",
      evictionHard: "object",
      clusterDNS: "array",
      failSwapOn: "boolean",
      hairpinMode: "string",
      syncFrequency: "string",
    });
    expect(options.fields.proxy).toMatchObject({ mode: "string", conntrack: "object" });
    expect(Object.keys(options.gates).length).toBeGreaterThan(150);
    expect(options.gates).toMatchObject({ AllAlpha: null, AllBeta: null });
  });

  test.each(offered)("flags of %s are those of its binaries", (version) => {
    const { flags } = componentOptions(version)!;
    for (const component of configurableComponents) expect(flags[component]!.length).toBeGreaterThan(50);
    expect(flags.apiserver).toContain("audit-log-path");
    expect(flags.apiserver).not.toContain("version");
    expect(flags.etcd).toContain("quota-backend-bytes");
  });

  test("a flag that came or went is known at its release only", () => {
    const apiserver = (version: string) => componentOptions(version)!.flags.apiserver;
    const all = offered.map((version) => apiserver(version)!.join());
    expect(new Set(all).size).toBe(offered.length);
    // A gate that the release's own list forgets is taken from the binaries.
    expect(componentOptions("v1.34.4")!.gates).toHaveProperty("CustomCPUCFSQuotaPeriod", null);
  });

  test("where flags are not known, what could be one is taken", () => {
    const problems = new ProblemCollector(nowhere);
    const extraConfig = {
      kubelet: { "max-pods": 1, maxPods: 1, maxPodz: 1 },
      scheduler: { "leader-elect": true, "--v": 1 },
    };
    checkExtraConfig(extraConfig, { flags: {}, fields: { kubelet: { maxPods: "integer" } } }, problems);
    expect(problems.problems.map(({ path }) => path.at(-1))).toEqual(["--v", "maxPodz"]);
  });

  test("releases differ", () => {
    const gates = offered.map((version) => Object.keys(componentOptions(version)!.gates).join());
    expect(new Set(gates).size).toBe(offered.length);
  });

  test("a release that was not looked at is not checked", () => {
    expect(componentOptions("v1.99.0")).toBeUndefined();
    const future = { ...facts, supportedVersions: ["1.99.0"], defaultVersion: "1.99.0" };
    expect(resolveSpec({ extraConfig: { kubelet: { novel: 1 } } }, future).extraConfig).toEqual({
      kubelet: { novel: "1" },
    });
  });
});

describe("extra configuration", () => {
  test("flags of every component, and fields of those that have a configuration", () => {
    expect(
      problemsWith({
        apiserver: { v: 4, "audit-log-maxage": "3" },
        "controller-manager": { "kube-api-qps": 500 },
        scheduler: { "leader-elect": false },
        kubelet: {
          "max-pods": "50",
          maxPods: 50,
          evictionHard: { "memory.available": "5%" },
          clusterDNS: ["10.96.0.10"],
          port: 10250,
        },
        proxy: { "proxy-mode": "nftables", conntrack: "{maxPerCore: 0}" },
        etcd: { "quota-backend-bytes": 1 },
      }),
    ).toEqual([]);
  });

  test("a name of one component is not one of another", () => {
    expect(problemsWith({ scheduler: { "audit-log-path": "/x" } })[0]).toContain(
      'scheduler has no flag "audit-log-path"',
    );
    expect(problemsWith({ apiserver: { maxPods: 1 } })[0]).toContain('apiserver has no flag "maxPods"');
  });

  test("dashes before a flag's name, and names of objects, are not names", () => {
    expect(problemsWith({ kubelet: { "--max-pods": 1 } })[0]).toContain("did you mean max-pods");
    expect(problemsWith({ kubelet: { constructor: 1 } })).toHaveLength(1);
  });

  test("what is a flag and a field is the flag", () => {
    const options = componentOptions("v1.36.3")!;
    expect(isConfigField(options, "kubelet", "port")).toBe(false);
    expect(isConfigField(options, "kubelet", "maxPods")).toBe(true);
    expect(isConfigField(options, "etcd", "maxPods")).toBe(false);
  });

  test("a field's value has the field's type", () => {
    expect(configFieldValue("maxPods", "50", "integer")).toBe(50);
    expect(configFieldValue("providerID", "50", "string")).toBe("50");
    expect(configFieldValue("failSwapOn", "false", "boolean")).toBe(false);
    expect(configFieldValue("memoryThrottlingFactor", "0.8", "number")).toBe(0.8);
    expect(configFieldValue("clusterDNS", "[10.96.0.10]", "array")).toEqual(["10.96.0.10"]);
    expect(configFieldValue("evictionHard", "{memory.available: 5%}", "object")).toEqual({
      "memory.available": "5%",
    });
    for (const text of ["1.5", "x", "", "[1]", "1e999"]) {
      expect(() => configFieldValue("maxPods", text, "integer")).toThrow(
        "is not a whole number, which maxPods needs",
      );
    }
  });
});

test("each component gets the gates that it knows", () => {
  const gate = "ControllerManagerReleaseLeaderElectionLockOnExit";
  const spec = resolveSpec({ featureGates: { [gate]: true, AllBeta: true } }, facts);
  expect(featureGatesOf(spec, "scheduler")).toEqual({ AllBeta: true });
  expect(featureGatesOf(spec, "controller-manager")).toEqual({ [gate]: true, AllBeta: true });
});
