import { describe, expect, test } from "vitest";
import { isSlipwayError } from "../base/errors.js";
import { applyFlags } from "./apply-flags.js";
import { type StartFlagValues, startFlags } from "./flags.js";
import { parseClusterSpec } from "./load.js";
import { resolveSpec } from "./resolve.js";
import { complaints, facts, head } from "./testing.js";

const flagRows: [flags: StartFlagValues, said: string][] = [
  [{ profile: "Demo" }, '--profile: "Demo" cannot be a cluster\'s name'],
  [{ nodes: 0 }, "--nodes: 0 is too small; at least 1"],
  [
    { "control-planes": 2 },
    "--control-planes: 2 control planes outlast the loss of no more than 1 do; take 1 or 3",
  ],
  [{ "control-planes": 9 }, "--control-planes: 9 is too large; at most 7"],
  [{ "control-planes": 3, nodes: 2 }, "--control-planes: 2 nodes cannot have 3 control planes among them"],
  [{ "kubernetes-version": "1.20" }, '--kubernetes-version: Kubernetes "1.20" is not offered'],
  [{ driver: "docker" }, '--driver: "docker" is not possible here; there is sandbox'],
  [
    { bootstrapper: "kubeadm" },
    '--bootstrapper: "kubeadm" is not possible here; there are units, static, selfhosted',
  ],
  [
    { "container-runtime": "cri-o" },
    '--container-runtime: "cri-o" is not possible here; there is containerd',
  ],
  [{ cni: "kindnet" }, '--cni: there is no CNI "kindnet"'],
  [{ memory: "1x" }, '--memory: "1x" is not an amount of memory'],
  [{ memory: "512m" }, "--memory: 512 MiB is too little for a control-plane node"],
  [{ cpus: "x" }, '--cpus: "x" is not a number of CPUs'],
  [{ addons: ["coredns,ingress"] }, '--addons: there is no add-on "ingress"'],
  [{ image: ["nginx"] }, '--image: "nginx" is not one of slipway\'s own images'],
  [{ "extra-config": ["kubelet.max-pods"] }, '--extra-config: "kubelet.max-pods" is not component.key=value'],
  [
    { "extra-config": ["kubelt.max-pods=5"] },
    '--extra-config: there is no component "kubelt", did you mean kubelet?',
  ],
  [
    { "extra-config": ["kubelet.max-pod=5"] },
    '--extra-config: kubelet has no flag or configuration field "max-pod", did you mean max-pods',
  ],
  [{ "feature-gates": ["Foo"] }, '--feature-gates: "Foo" is not Gate=true or Gate=false'],
  [{ "feature-gates": ["AllAlpha=true,Foo=true"] }, "--feature-gates: Kubernetes v1.36.3 has no such gate"],
  [{ "apiserver-ips": ["10.0.0.1,x"] }, '--apiserver-ips: "x" is not an IP address'],
  [{ "apiserver-names": ["a_b"] }, '--apiserver-names: "a_b" is not a DNS domain'],
  [{ "apiserver-port": 0 }, "--apiserver-port: 0 is too small"],
  [{ "pod-cidr": "10.244.0.0" }, '--pod-cidr: "10.244.0.0" is not a CIDR'],
  [{ "service-cluster-ip-range": "10.0.0.0/8" }, "--service-cluster-ip-range: 10.0.0.0/8 is too large"],
  [{ "dns-domain": "-" }, '--dns-domain: "-" is not a DNS domain'],
  [{ mount: ["/a"] }, '--mount: "/a" is not a mount; write host:node[:ro]'],
  [{ ports: ["80"] }, '--ports: "80" is not a port mapping'],
  [{ wait: "api" }, '--wait: there is no part "api" to wait for, did you mean apiserver?'],
  [{ wait: "" }, '--wait: there is no part "" to wait for; there are apiserver, system_pods'],
  [{ "wait-timeout": "90" }, '--wait-timeout: "90" is not a duration; write 90s, 6m or 1h30m'],
  [{ "wait-timeout": "0s" }, '"0s" is not a duration'],
  [{ "wait-timeout": "25h" }, '"25h" is not a duration'],
  [{ output: "yaml" }, "--output: yaml is for --dry-run"],
  [{ output: "wide" }, '--output: "wide" is not possible here'],
  [
    { "binary-mirror": "mirror.example.com" },
    '--binary-mirror: "mirror.example.com" is not an http or https URL',
  ],
  [{ "binary-mirror": "https://me:secret@example.com" }, "--binary-mirror: the URL holds credentials"],
  [
    { "image-repository": "https://registry.example.com" },
    '--image-repository: "https://registry.example.com" is not a repository',
  ],
  [{ offline: true, "download-only": true }, "--offline: cannot go together with --download-only"],
  [{ "dry-run": true, "download-only": true }, "--dry-run: cannot go together with --download-only"],
];

describe("flags that are wrong", () => {
  test.each(flagRows)("%j", (flags, said) => {
    const complaint = complaints(undefined, flags);
    expect(complaint[0]).toContain(said);
    expect(complaint[0]).toMatch(/^--[a-z-]+: /);
    expect(complaint.join()).not.toContain("secret");
  });

  test("every flag that takes a value has a row", () => {
    const covered = new Set(flagRows.flatMap(([flags]) => Object.keys(flags)));
    const withValue = Object.entries(startFlags).filter(
      ([name, { type }]) => type !== "boolean" && name !== "file",
    );
    expect(withValue.map(([name]) => name).filter((name) => !covered.has(name))).toEqual([]);
  });

  test("beside a file, each problem says where it comes from", () => {
    const said = complaints(`${head}ports: ['8080:80']\nfeatureGates: {Foo: true}\n`, {
      ports: ["8080:81"],
      "feature-gates": ["Bar=true"],
      "extra-config": ["kubelet.nope=1"],
    });
    expect(said).toEqual([
      expect.stringMatching(/^--extra-config: kubelet has no flag or configuration field "nope"/),
      expect.stringMatching(/^cluster\.yaml:4:16 featureGates\.Foo: /),
      expect.stringMatching(/^--feature-gates: /),
      expect.stringMatching(/^--ports: 127.0.0.1:8080:81\/tcp takes the same port of the host as ports\[0\]/),
    ]);
  });

  test("when only flags are wrong the code is USAGE, else CONFIG_INVALID", () => {
    const code = (yaml: string, flags: StartFlagValues) => {
      try {
        const { form, locate } = applyFlags(parseClusterSpec(head + yaml, "cluster.yaml"), flags);
        resolveSpec(form, facts, locate);
      } catch (error) {
        if (isSlipwayError(error)) return error.code;
      }
      return undefined;
    };
    expect(code("", { memory: "512m" })).toBe("USAGE");
    expect(code("memory: 512Mi", {})).toBe("CONFIG_INVALID");
  });
});
