import { readFile } from "node:fs/promises";
import { release } from "node:os";
import { exists } from "../../base/files.js";

/** What a bundle depends on beside its machine. Looked up at every start: a host changes between boots. */
export interface HostFacts {
  /** Names, as OCI writes them, of the capabilities that this process has and may hand on. */
  capabilities: string[];
  /** Whether there is a kernel log to bind: kubelet wants to open it. */
  kmsg: boolean;
  /** The running kernel's modules, for nodes that load some (flannel: vxlan). */
  modules?: string;
}

export async function readHostFacts(): Promise<HostFacts> {
  const modules = `/lib/modules/${release()}`;
  const [status, kmsg, hasModules] = await Promise.all([
    readFile("/proc/self/status", "utf8"),
    exists("/dev/kmsg"),
    exists(modules),
  ]);
  return {
    capabilities: capabilityNames(capabilityMask(status)),
    kmsg,
    ...(hasModules ? { modules } : {}),
  };
}

/** Of `/proc/<pid>/status` (proc(5)): what is both effective and in the bounding set. */
export function capabilityMask(status: string): bigint {
  const field = (name: string): bigint => {
    const hex = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1];
    return hex === undefined ? 0n : BigInt(`0x${hex}`);
  };
  return field("CapEff") & field("CapBnd");
}

export const capabilityNames = (mask: bigint): string[] =>
  capabilities.filter((_, bit) => (mask >> BigInt(bit)) & 1n);

/** By bit number: include/uapi/linux/capability.h. */
const capabilities = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
];
