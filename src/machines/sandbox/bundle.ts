import type { HostFacts } from "./host-facts.js";
import { type ClusterLayout, type MachineLayout, volumeDirectory } from "./layout.js";
import { machineCgroup } from "./names.js";
import { type MachineRecord, recordToAnnotations } from "./record.js";

/** The parts of an OCI runtime config (runtime-spec 1.0.2, config.md) that a machine uses. */
export interface OciConfig {
  ociVersion: string;
  hostname: string;
  process: {
    terminal: boolean;
    user: { uid: number; gid: number };
    args: string[];
    env: string[];
    cwd: string;
    capabilities: Record<"bounding" | "effective" | "permitted", string[]>;
  };
  root: { path: string };
  mounts: OciMount[];
  annotations: Record<string, string>;
  linux: {
    rootfsPropagation: string;
    cgroupsPath: string;
    sysctl: Record<string, string>;
    resources: {
      devices: { allow: boolean; access: string }[];
      memory?: { limit: number };
      cpu?: { quota: number; period: number };
    };
    namespaces: { type: string }[];
    maskedPaths: string[];
    readonlyPaths: string[];
  };
}

interface OciMount {
  destination: string;
  type: string;
  source: string;
  options?: string[];
}

const cpuPeriodUs = 100_000;

/**
 * The machine's bundle. The same on cgroup v1, hybrid and v2: the node gets a cgroup namespace, and runc turns the one
 * `cgroup` mount and the limits into what the host has.
 */
export function bundleConfig(
  record: MachineRecord,
  layout: MachineLayout,
  cluster: ClusterLayout,
  facts: HostFacts,
): OciConfig {
  return {
    ociVersion: "1.0.2",
    hostname: record.name,
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ["/lib/systemd/systemd"],
      env: ["container=slipway", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      cwd: "/",
      // No inheritable or ambient ones: a node's programs get theirs from being root.
      capabilities: {
        bounding: facts.capabilities,
        effective: facts.capabilities,
        permitted: facts.capabilities,
      },
    },
    root: { path: layout.root },
    mounts: [...kernelMounts(facts), ...diskMounts(record, layout, cluster)],
    annotations: recordToAnnotations(record),
    linux: {
      // kubelet and CSI drivers hand mounts on to containers.
      rootfsPropagation: "rshared",
      cgroupsPath: machineCgroup(record.cluster, record.name),
      sysctl: { "net.ipv4.ip_forward": "1" },
      resources: {
        devices: [{ allow: true, access: "rwm" }],
        ...(record.memoryBytes === undefined ? {} : { memory: { limit: record.memoryBytes } }),
        ...(record.cpus === undefined
          ? {}
          : { cpu: { quota: Math.round(record.cpus * cpuPeriodUs), period: cpuPeriodUs } }),
      },
      namespaces: ["pid", "network", "ipc", "uts", "mount", "cgroup"].map((type) => ({ type })),
      maskedPaths: [],
      readonlyPaths: [],
    },
  };
}

function kernelMounts(facts: HostFacts): OciMount[] {
  return [
    { destination: "/proc", type: "proc", source: "proc" },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    {
      destination: "/dev/shm",
      type: "tmpfs",
      source: "shm",
      options: ["nosuid", "noexec", "nodev", "mode=1777"],
    },
    {
      destination: "/dev/mqueue",
      type: "mqueue",
      source: "mqueue",
      options: ["nosuid", "noexec", "nodev"],
    },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev"] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: ["nosuid", "noexec", "nodev", "relatime", "rw"],
    },
    { destination: "/run", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "mode=755"] },
    { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "mode=1777"] },
    ...(facts.kmsg
      ? [{ destination: "/dev/kmsg", type: "bind", source: "/dev/kmsg", options: ["bind"] }]
      : []),
    ...(facts.modules === undefined
      ? []
      : [
          {
            destination: facts.modules,
            type: "bind",
            source: facts.modules,
            options: ["rbind", "ro"],
          },
        ]),
  ];
}

/** Parents before children: a volume may lie inside another. */
function diskMounts(record: MachineRecord, layout: MachineLayout, cluster: ClusterLayout): OciMount[] {
  const volumes = record.volumes.map((path) => ({
    destination: path,
    type: "bind",
    source: volumeDirectory(layout, path),
    options: ["rbind", "rshared"],
  }));
  const mounts = record.mounts.map(({ host, node, readOnly }) => ({
    destination: node,
    type: "bind",
    source: host,
    options: readOnly ? ["rbind", "rslave", "ro"] : ["rbind", "rslave"],
  }));
  const shared = [
    { destination: "/etc/hosts", type: "bind", source: cluster.hosts, options: ["bind", "ro"] },
    { destination: "/etc/resolv.conf", type: "bind", source: cluster.resolvConf, options: ["bind", "ro"] },
  ];
  return [...volumes, ...mounts].sort((a, b) => compare(a.destination, b.destination)).concat(shared);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
