import { readFile } from "node:fs/promises";
import { exists, readTextIfPresent } from "../base/files.js";
import type { PlatformFacts } from "../plan/facts.js";

/** linux/capability.h */
const CAP_SYS_RESOURCE = 24n;

/** Reads of the host what plans for sandbox nodes have to know. */
export async function readPlatformFacts(): Promise<PlatformFacts> {
  const [unified, status, nameservers] = await Promise.all([
    exists("/sys/fs/cgroup/cgroup.controllers"),
    readFile("/proc/self/status", "utf8"),
    readNameservers(),
  ]);
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  return {
    cgroupVersion: unified ? 2 : 1,
    mayLowerOomScore: ((effective >> CAP_SYS_RESOURCE) & 1n) === 1n,
    nameservers,
  };
}

/**
 * The name servers that a node can use, too. One on the loopback is the host's own (systemd-resolved, dnsmasq); what it
 * forwards to is in the second file.
 */
async function readNameservers(): Promise<string[]> {
  for (const path of ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"]) {
    const text = (await readTextIfPresent(path)) ?? "";
    const servers = [...text.matchAll(/^nameserver\s+(\S+)/gm)].map((match) => match[1]!);
    const usable = servers.filter((server) => !/^(127\.|::1$)/.test(server));
    if (usable.length > 0) return usable;
  }
  return [];
}
