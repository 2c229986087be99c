import { constants } from "node:fs";
import { access, readFile, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf, SlipwayError } from "../../../base/errors.js";
import { exists, readTextIfPresent } from "../../../base/files.js";
import { run } from "../../../base/run.js";
import { type LinkInfo, listLinks, listRoutes, type RouteInfo } from "../../../net/ip-command.js";
import { isPortFree, portHolder } from "../../../net/ports.js";
import type { PreflightRequest, PublishedPort } from "../../driver.js";
import { type CgroupMount, readCgroupMounts } from "../cgroups.js";
import { clusterNames, type Sandbox } from "../context.js";
import { capabilityMask, capabilityNames } from "../host-facts.js";
import { findTools, type KernelFeature, probeKernel } from "./probe.js";

/** What a preflight found on the host, before it is judged. */
export interface PreflightFacts {
  uid: number;
  capabilities: string[];
  tools: Map<string, string>;
  runcVersion: string | undefined;
  /** undefined: could not be tried. */
  kernel: Map<KernelFeature, string> | undefined;
  cgroupMounts: CgroupMount[];
  /** Of the v2 hierarchy's root. */
  cgroupControllers: string[];
  state: { path: string; fsType: number; freeBytes: number };
  availableMemoryBytes: number;
  ipForward: { enabled: boolean; writable: boolean };
  /** sysctl name → value, of those that are there. */
  sysctls: Map<string, number>;
  bridgeNetfilter: boolean;
  legacyFilter: boolean;
  links: LinkInfo[];
  routes: RouteInfo[];
  busyPorts: { port: PublishedPort; holder: string }[];
  missingMounts: string[];
  clusters: string[];
}

const sysctlNames = [
  "fs.inotify.max_user_instances",
  "fs.inotify.max_user_watches",
  "kernel.pid_max",
  "net.ipv4.conf.all.rp_filter",
];

export async function gatherFacts(sandbox: Sandbox, request: PreflightRequest): Promise<PreflightFacts> {
  const [tools, status, cgroupMounts] = await Promise.all([
    findTools(sandbox.runc.program),
    readFile("/proc/self/status", "utf8"),
    readCgroupMounts(),
  ]);
  const capabilities = capabilityNames(capabilityMask(status));
  const canProbe = capabilities.includes("CAP_SYS_ADMIN") && tools.has("unshare");
  const hasIp = tools.has("ip");
  const v2 = cgroupMounts.find(({ type }) => type === "cgroup2");
  const [
    kernel,
    runcVersion,
    controllers,
    state,
    meminfo,
    forward,
    sysctls,
    names,
    links,
    routes,
    ports,
    mounts,
  ] = await Promise.all([
    canProbe ? probeKernel() : undefined,
    tools.has("runc") ? runcVersionOf(sandbox.runc.program) : undefined,
    v2 && readTextIfPresent(`${v2.path}/cgroup.controllers`),
    stateFacts(sandbox.stateDirectory),
    readFile("/proc/meminfo", "utf8"),
    forwardFacts(),
    readSysctls(),
    readTextIfPresent("/proc/net/ip_tables_names"),
    hasIp ? listLinks() : [],
    hasIp ? listRoutes("main") : [],
    busyPorts(request.ports ?? []),
    missing((request.mounts ?? []).map(({ host }) => host)),
  ]);
  return {
    uid: process.geteuid?.() ?? -1,
    capabilities,
    tools,
    runcVersion,
    kernel,
    cgroupMounts,
    cgroupControllers: (controllers ?? "").trim().split(/\s+/).filter(Boolean),
    state,
    availableMemoryBytes: Number(/^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) * 1024,
    ipForward: forward,
    sysctls,
    bridgeNetfilter: await exists("/proc/sys/net/bridge/bridge-nf-call-iptables"),
    legacyFilter: /^filter$/m.test(names ?? ""),
    links,
    routes,
    busyPorts: ports,
    missingMounts: mounts,
    clusters: await clusterNames(sandbox),
  };
}

async function runcVersionOf(program: string): Promise<string | undefined> {
  const { stdout } = await run(program, ["--version"], { allowFailure: true });
  return /^runc version (\S+)/m.exec(stdout)?.[1];
}

/** Of the directory itself, or of the nearest one above that is there. */
async function stateFacts(path: string): Promise<PreflightFacts["state"]> {
  let existing = path;
  while (!(await exists(existing)) && dirname(existing) !== existing) existing = dirname(existing);
  const { type, bavail, bsize } = await statfs(existing);
  return { path, fsType: type, freeBytes: bavail * bsize };
}

async function forwardFacts(): Promise<PreflightFacts["ipForward"]> {
  const path = "/proc/sys/net/ipv4/ip_forward";
  const writable = await access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
  return { enabled: (await readFile(path, "utf8")).trim() === "1", writable };
}

async function readSysctls(): Promise<Map<string, number>> {
  const values = await Promise.all(
    sysctlNames.map((name) => readTextIfPresent(`/proc/sys/${name.replaceAll(".", "/")}`)),
  );
  return new Map(
    sysctlNames.flatMap((name, i) => (values[i] === undefined ? [] : [[name, Number(values[i])] as const])),
  );
}

async function busyPorts(ports: readonly PublishedPort[]): Promise<PreflightFacts["busyPorts"]> {
  const results = await Promise.all(
    ports.map(async (port) => {
      const at = { address: port.hostAddress, port: port.hostPort, protocol: port.protocol };
      try {
        if (await isPortFree(at)) return [];
      } catch (error) {
        // An address that is not this host's, a privileged port: as good as taken, and the reason says why.
        return [{ port, holder: error instanceof SlipwayError ? error.message : messageOf(error) }];
      }
      return [{ port, holder: (await portHolder(at)) ?? "an unknown program" }];
    }),
  );
  return results.flat();
}

async function missing(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return paths.filter((_, i) => !found[i]);
}
