import { createHash } from "node:crypto";
import { SlipwayError } from "../../base/errors.js";

/**
 * What a machine and its cluster are called in the kernel and in runc. All of it follows from the two names, so that
 * what a killed run left behind is found again.
 */

/** Interface names hold 15 characters (IFNAMSIZ less the final NUL), which leaves seven for the hash. */
const prefix = "slipway-";
const hashDigits = 7;

const hash = (...parts: string[]): Buffer => createHash("sha256").update(parts.join("\0")).digest();

const deviceName = (...parts: string[]): string =>
  prefix +
  hash(...parts)
    .toString("hex")
    .slice(0, hashDigits);

/** The cluster's bridge; its nftables table has the same name. */
export const bridgeName = (cluster: string): string => deviceName(cluster);

/** The host's end of a machine's veth pair. */
export const linkName = (cluster: string, machine: string): string => deviceName(cluster, machine);

/** Fixed, so that ARP caches stay right across restarts; locally administered, unicast (IEEE 802 §8.4). */
export function macAddress(cluster: string, machine = ""): string {
  const bytes = hash("mac", cluster, machine).subarray(0, 6);
  bytes[0] = (bytes[0]! & 0xfc) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** A number in 0 … range-1 that a cluster always gets. */
export const clusterNumber = (cluster: string, range: number): number =>
  hash("number", cluster).readUInt32BE(0) % range;

/** A cluster's name holds no dot, so the first one divides. */
export const containerId = (cluster: string, machine: string): string => `${cluster}.${machine}`;

export const clusterCgroup = (cluster: string): string => `/slipway/${cluster}`;
export const machineCgroup = (cluster: string, machine: string): string => `/slipway/${cluster}/${machine}`;

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** @throws {SlipwayError} `CONFIG_INVALID`: names become paths, host names and cgroups. */
export function checkClusterName(cluster: string): void {
  if (!label.test(cluster)) throw invalid("cluster", cluster);
}

/** @throws {SlipwayError} `CONFIG_INVALID` */
export function checkNames(cluster: string, machine: string): void {
  checkClusterName(cluster);
  if (machine.length > 63 || !machine.split(".").every((part) => label.test(part))) {
    throw invalid("machine", machine);
  }
}

const invalid = (what: string, name: string): SlipwayError =>
  new SlipwayError("CONFIG_INVALID", `${JSON.stringify(name)} cannot be the name of a ${what}`, {
    hint: "use at most 63 lower-case letters, digits and dashes, with a letter or digit at both ends (RFC 1123)",
  });
