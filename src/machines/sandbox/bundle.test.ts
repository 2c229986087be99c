import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exampleNetwork, exampleSpec } from "../driver.contract.js";
import { bundleConfig } from "./bundle.js";
import { cgroupLayout, cgroupMounts } from "./cgroups.js";
import { capabilityMask, capabilityNames, type HostFacts } from "./host-facts.js";
import { clusterLayout, machineLayout } from "./layout.js";
import { type MachineRecord, recordFromAnnotations, recordOf, recordToAnnotations } from "./record.js";

const record = (changes: Partial<MachineRecord> = {}): MachineRecord => ({
  ...recordOf(exampleSpec("demo", "one", ["/components", "/image"]), exampleNetwork("demo")),
  ...changes,
});
const facts: HostFacts = { capabilities: ["CAP_CHOWN", "CAP_SYS_ADMIN"], kmsg: true };
const bundle = (changes: Partial<MachineRecord> = {}, host: HostFacts = facts) =>
  bundleConfig(
    record(changes),
    machineLayout("/state", "demo", "one"),
    clusterLayout("/state", "demo"),
    host,
  );

describe("an OCI bundle", () => {
  test("boots systemd with what the caller may hand on, in namespaces of its own, under our cgroup", () => {
    const config = bundle();
    expect(config.process.args).toEqual(["/lib/systemd/systemd"]);
    expect(config.process.env).toContain("container=slipway");
    expect(config.process.capabilities.bounding).toEqual(facts.capabilities);
    expect(config.linux.cgroupsPath).toBe("/slipway/demo/one");
    expect(config.linux.namespaces.map(({ type }) => type).sort()).toEqual(
      ["cgroup", "ipc", "mount", "network", "pid", "uts"].sort(),
    );
    expect(config.linux.rootfsPropagation).toBe("rshared");
    expect(config.root.path).toBe("/state/demo/machines/one/root");
  });

  test("has no limits unless asked, and then those", () => {
    expect(bundle().linux.resources).toEqual({ devices: [{ allow: true, access: "rwm" }] });
    const { resources } = bundle({ memoryBytes: 2 ** 31, cpus: 1.5 }).linux;
    expect(resources.memory).toEqual({ limit: 2 ** 31 });
    expect(resources.cpu).toEqual({ quota: 150_000, period: 100_000 });
  });

  test("mounts parents before children, volumes so that mounts inside spread, the user's as asked", () => {
    const config = bundle({
      volumes: ["/var/lib/kubelet/pods", "/var/lib/kubelet"],
      mounts: [{ host: "/src", node: "/opt/src", readOnly: true }],
    });
    const at = (path: string) => config.mounts.findIndex(({ destination }) => destination === path);
    expect(at("/var/lib/kubelet")).toBeLessThan(at("/var/lib/kubelet/pods"));
    expect(config.mounts[at("/var/lib/kubelet")]).toMatchObject({
      source: "/state/demo/machines/one/volumes/var+lib+kubelet",
      options: ["rbind", "rshared"],
    });
    expect(config.mounts[at("/opt/src")]?.options).toContain("ro");
    expect(config.mounts[at("/etc/hosts")]?.source).toBe("/state/demo/hosts");
  });

  test("binds the kernel log and modules only where there are some", () => {
    const paths = (host: HostFacts) => bundle({}, host).mounts.map(({ destination }) => destination);
    expect(paths(facts)).toContain("/dev/kmsg");
    expect(paths({ ...facts, kmsg: false })).not.toContain("/dev/kmsg");
    expect(paths({ ...facts, modules: "/lib/modules/6.1" })).toContain("/lib/modules/6.1");
  });

  test("one writable cgroup mount serves every cgroup layout: runc makes of it what the host has", () => {
    const mounts = bundle().mounts.filter(({ type }) => type === "cgroup");
    expect(mounts).toHaveLength(1);
    expect(mounts[0]).toMatchObject({ destination: "/sys/fs/cgroup" });
    expect(mounts[0]?.options).toContain("rw");
  });
});

test("a record survives its annotations", () => {
  const text = fc.string({ minLength: 1 });
  const optional = { requiredKeys: ["volumes", "layers"] as ("volumes" | "layers")[] };
  const changes = fc.record(
    {
      volumes: fc.array(text),
      layers: fc.array(text),
      podCidr: text,
      memoryBytes: fc.integer({ min: 0 }),
      cpus: fc.float({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value) => Math.abs(value)),
    },
    optional,
  );
  fc.assert(
    fc.property(changes, (some) => {
      const whole = record(some as Partial<MachineRecord>);
      expect(recordFromAnnotations(recordToAnnotations(whole), "x")).toEqual(whole);
    }),
  );
});

test("annotations that lack something are said to be corrupt", () => {
  const whole = recordToAnnotations(record());
  for (const key of Object.keys(whole).filter((name) => !name.endsWith("pod-cidr"))) {
    const { [key]: _, ...rest } = whole;
    expect(() => recordFromAnnotations(rest, "config.json")).toThrow(key);
    expect(() => recordFromAnnotations({ ...whole, "slipway.dev/ports": "[{" }, "x")).toThrow(/not JSON/);
  }
});

test("capabilities are those that are effective and may be handed on", () => {
  const status = "CapInh:\t0000000000000000\nCapEff:\t000001fffeffffff\nCapBnd:\t000001fffeffffff\n";
  const names = capabilityNames(capabilityMask(status));
  expect(names).toHaveLength(40);
  expect(names).not.toContain("CAP_SYS_RESOURCE");
  expect(names).toContain("CAP_CHECKPOINT_RESTORE");
  expect(
    capabilityNames(capabilityMask(status.replace("CapBnd:\t000001f", "CapBnd:\t0000000"))),
  ).toHaveLength(35);
});

describe("cgroup layouts", () => {
  const v1 = "cgroup /sys/fs/cgroup/memory cgroup rw,nosuid,memory 0 0\n";
  const named = "cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\n";
  const v2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev 0 0\n";

  test.each([
    ["v1", v1 + named],
    ["hybrid", v1 + named + v2.replace("/cgroup ", "/cgroup/unified ")],
    ["v2", v2],
    ["none", "tmpfs /tmp tmpfs rw 0 0\n"],
  ])("%s", (layout, mounts) => {
    expect(cgroupLayout(cgroupMounts(mounts))).toBe(layout);
  });
});
