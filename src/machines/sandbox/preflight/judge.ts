import type { Check, PreflightRequest } from "../../driver.js";
import { cgroupLayout } from "../cgroups.js";
import { ok } from "./check.js";
import type { PreflightFacts } from "./facts.js";
import { judgeNetwork } from "./judge-network.js";
import { kernelFeatures, tools } from "./probe.js";

const gibibyte = 1024 ** 3;

/** What the driver cannot do without; CAP_SYS_RESOURCE is welcome, and often missing in containers. */
const neededCapabilities = [
  "CAP_SYS_ADMIN",
  "CAP_NET_ADMIN",
  "CAP_MKNOD",
  "CAP_SYS_CHROOT",
  "CAP_SETUID",
  "CAP_SETGID",
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_KILL",
];

/** File systems that cannot hold the upper layer of an overlay, by statfs(2) magic. */
const unsuitable: Record<number, string> = {
  2035054128: "overlayfs",
  26985: "NFS",
  20859: "SMB",
  4283649346: "CIFS",
  19780: "FAT",
  538032816: "exFAT",
  1702057286: "FUSE",
  61791: "eCryptfs",
  16914839: "9p",
};

/** Turns what was found into checks: failed is what would make a start fail. */
export function judge(facts: PreflightFacts, request: PreflightRequest): Check[] {
  return [
    privileges(facts),
    toolsCheck(facts),
    ...kernel(facts),
    ...cgroups(facts),
    stateDirectory(facts),
    disk(facts),
    memory(facts, request),
    ...limits(facts),
    ...facts.missingMounts.map(
      (path): Check => ({
        name: "mount",
        status: "failed",
        found: `${path} is not there`,
        fix: `mkdir -p ${path}, or leave the mount out`,
      }),
    ),
    ...judgeNetwork(facts, request),
  ];
}

function privileges({ uid, capabilities }: PreflightFacts): Check {
  const lacking = neededCapabilities.filter((name) => !capabilities.includes(name));
  if (lacking.length === 0) return ok("privileges", `${capabilities.length} capabilities`);
  return {
    name: "privileges",
    status: "failed",
    found:
      uid === 0
        ? `root without ${lacking.join(", ")}`
        : `user ${uid}, without ${lacking.length} capabilities`,
    fix:
      uid === 0 ? "run it where root has these capabilities (a container: --privileged)" : "run it with sudo",
  };
}

function toolsCheck({ tools: found, runcVersion }: PreflightFacts): Check {
  const lacking = Object.keys(tools).filter((name) => !found.has(name));
  if (lacking.length === 0)
    return ok("tools", `all ${found.size} installed, runc ${runcVersion ?? "of unknown version"}`);
  const packages = [...new Set(lacking.map((name) => tools[name]!))];
  return {
    name: "tools",
    status: "failed",
    found: `not installed: ${lacking.join(", ")}`,
    fix: `apt-get install ${packages.join(" ")}`,
  };
}

function kernel({ kernel: probed }: PreflightFacts): Check[] {
  if (!probed || probed.size === 0) {
    const found = "could not be tried: this process may not make namespaces";
    return [{ name: "kernel", status: "failed", found, fix: "run it as root, with CAP_SYS_ADMIN" }];
  }
  return kernelFeatures.map((feature): Check => {
    const why = probed.get(feature) ?? "no answer";
    if (why === "") return ok(feature, "works");
    const optional = feature === "vxlan";
    return {
      name: feature,
      status: optional ? "warning" : "failed",
      found: why,
      fix: optional
        ? "use --cni=bridge, or a kernel with vxlan for flannel"
        : `modprobe ${moduleOf[feature] ?? feature}, or a kernel that has it`,
    };
  });
}

const moduleOf: Record<string, string> = {
  overlayfs: "overlay",
  masquerade: "nft_masq",
  fib: "nft_fib_ipv4",
  "policy-routing": "(CONFIG_IP_MULTIPLE_TABLES)",
};

function cgroups({ cgroupMounts: mounts, cgroupControllers }: PreflightFacts): Check[] {
  const layout = cgroupLayout(mounts);
  const fix = "mount the cgroup hierarchies (a host booted with systemd has them; a container: --privileged)";
  if (layout === "none") return [{ name: "cgroup", status: "failed", found: "no hierarchy is mounted", fix }];
  const isReadOnly = mounts.some(({ options }) => options.includes("ro"));
  if (isReadOnly) return [{ name: "cgroup", status: "failed", found: `${layout}, mounted read-only`, fix }];
  const v1 = mounts.filter(({ type }) => type === "cgroup").flatMap(({ options }) => options);
  // Of v2, devices and freezer are part of the core; on v1 each is a controller.
  const needed =
    layout === "v2" ? ["cpu", "memory", "pids"] : ["cpu", "memory", "pids", "devices", "freezer"];
  const present = layout === "v2" ? cgroupControllers : v1;
  const lacking = needed.filter((name) => !present.includes(name));
  const named = layout === "v2" || v1.includes("name=systemd");
  return [
    lacking.length === 0
      ? ok("cgroup", `${layout}, with ${needed.join(", ")}`)
      : {
          name: "cgroup",
          status: "failed",
          found: `${layout}, without ${lacking.join(", ")}`,
          fix: lacking.includes("memory") ? "boot with cgroup_enable=memory" : fix,
        },
    ...(named
      ? []
      : [
          {
            name: "cgroup-systemd",
            status: "failed",
            found: `${layout}, without the hierarchy name=systemd that a node's init needs`,
            fix: "mkdir -p /sys/fs/cgroup/systemd && mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd",
          } satisfies Check,
        ]),
  ];
}

function stateDirectory({ state }: PreflightFacts): Check {
  const type = unsuitable[state.fsType];
  if (type === undefined) return ok("state-directory", state.path);
  return {
    name: "state-directory",
    status: "failed",
    found: `${state.path} is on ${type}, which cannot hold the upper layer of an overlay`,
    fix: "set SLIPWAY_HOME to a directory on a local disk (in a container: a volume)",
  };
}

function disk({ state }: PreflightFacts): Check {
  const found = `${(state.freeBytes / gibibyte).toFixed(1)} GiB free for ${state.path}`;
  if (state.freeBytes >= 5 * gibibyte) return ok("disk", found);
  const status = state.freeBytes >= 2 * gibibyte ? "warning" : "failed";
  return { name: "disk", status, found, fix: "free at least 5 GiB, or set SLIPWAY_HOME to a larger disk" };
}

function memory({ availableMemoryBytes }: PreflightFacts, { memoryBytes = 0 }: PreflightRequest): Check {
  const found = `${(availableMemoryBytes / gibibyte).toFixed(1)} GiB available`;
  const needed = Math.max(memoryBytes, 1.5 * gibibyte);
  if (availableMemoryBytes >= needed) return ok("memory", found);
  const status = availableMemoryBytes >= gibibyte ? "warning" : "failed";
  const fix = `free memory up to ${(needed / gibibyte).toFixed(1)} GiB, or ask for less: --memory`;
  return { name: "memory", status, found, fix };
}

/** Limits that several nodes together reach: each systemd, kubelet and containerd takes inotify instances of root's. */
function limits({ sysctls }: PreflightFacts): Check[] {
  const minima: Record<string, number> = {
    "fs.inotify.max_user_instances": 512,
    "fs.inotify.max_user_watches": 65_536,
    "kernel.pid_max": 32_768,
  };
  return Object.entries(minima).flatMap(([name, minimum]): Check[] => {
    const value = sysctls.get(name);
    if (value === undefined) return [];
    if (value >= minimum) return [ok(name, String(value))];
    const fix = `sysctl -w ${name}=${minimum}`;
    return [{ name, status: "warning", found: `${value}, which several nodes can use up`, fix }];
  });
}
