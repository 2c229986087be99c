import { readTextIfPresent } from "../base/files.js";
import { isAddress, parseAddress } from "./address.js";

/** systemd-resolved's list of the servers behind its stub on 127.0.0.53 (systemd-resolved.service(8)). */
const resolvedUpstreams = "/run/systemd/resolve/resolv.conf";

/** Of a resolv.conf (resolv.conf(5)): the servers that another machine can ask too; no loopback, no scoped addresses. */
export function reachableNameservers(resolvConf: string): string[] {
  return resolvConf.split("\n").flatMap((line) => {
    const address = /^\s*nameserver\s+(\S+)/.exec(line)?.[1];
    return address !== undefined && isAddress(address) && !isLoopback(address) ? [address] : [];
  });
}

/** The name servers that this host uses itself, as far as others can reach them. */
export async function hostNameservers(): Promise<string[]> {
  for (const path of ["/etc/resolv.conf", resolvedUpstreams]) {
    const servers = reachableNameservers((await readTextIfPresent(path)) ?? "");
    if (servers.length > 0) return servers;
  }
  return [];
}

function isLoopback(address: string): boolean {
  const { family, value } = parseAddress(address);
  return family === 4 ? value >> 24n === 127n : value === 1n;
}
