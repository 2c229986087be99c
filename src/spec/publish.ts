import { posix } from "node:path";
import { parseAddress } from "../net/address.js";
import { parsePort } from "../net/port.js";
import type { ClusterSpec } from "./cluster-spec.js";
import { shown, valueInvalid } from "./problems.js";

export type PortMapping = ClusterSpec["ports"][number];
export type Mount = ClusterSpec["mounts"][number];

/** A published port is only open to the network when the user says so. */
export const defaultHostAddress = "127.0.0.1";

/**
 * Reads `[address:]hostPort:nodePort[/udp]`; an IPv6 address stands in brackets.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` or `ADDRESS_INVALID`
 */
export function parsePortMapping(text: string): PortMapping {
  const match = /^(?:(?:\[([^\]]*)\]|([^:[\]]*)):)?([^:/]+):([^:/]+)(?:\/(\w+))?$/.exec(text);
  if (!match) {
    throw valueInvalid(
      `${shown(text)} is not a port mapping; write [address:]hostPort:nodePort[/udp], as 8080:30080`,
    );
  }
  const [, bracketed, plain, hostPort = "", nodePort = "", protocol = "tcp"] = match;
  if (protocol !== "tcp" && protocol !== "udp") {
    throw valueInvalid(`${shown(text)} has protocol ${shown(protocol)}; there are tcp and udp`);
  }
  return {
    hostAddress: parseAddress(bracketed ?? plain ?? defaultHostAddress).text,
    hostPort: parsePort(hostPort),
    nodePort: parsePort(nodePort),
    protocol,
  };
}

/** As `parsePortMapping` reads it. */
export const portMappingText = ({ hostAddress, hostPort, nodePort, protocol }: PortMapping): string =>
  `${hostAddress.includes(":") ? `[${hostAddress}]` : hostAddress}:${hostPort}:${nodePort}/${protocol}`;

/**
 * Reads `host:node[:ro]`, both absolute paths.
 *
 * @throws {SlipwayError} `CONFIG_INVALID`
 */
export function parseMount(text: string): Mount {
  const match = /^([^:]+):([^:]+)(?::(ro|rw))?$/.exec(text);
  if (!match) {
    throw valueInvalid(
      `${shown(text)} is not a mount; write host:node[:ro], two absolute paths, as /src:/src:ro`,
    );
  }
  return checkMount({ host: match[1]!, node: match[2]!, readOnly: match[3] === "ro" });
}

/** What a mount over it would take from a node. */
const reserved = [
  "/",
  "/bin",
  "/boot",
  "/etc",
  "/lib",
  "/lib64",
  "/opt",
  "/root",
  "/run",
  "/sbin",
  "/tmp",
  "/usr",
  "/var",
];
const reservedTrees = [
  "/dev",
  "/proc",
  "/sys",
  "/etc/kubernetes",
  "/var/lib/containerd",
  "/var/lib/etcd",
  "/var/lib/kubelet",
];

/** The mount with its paths normalised. @throws {SlipwayError} `CONFIG_INVALID` */
export function checkMount({ host, node, readOnly }: Mount): Mount {
  for (const path of [host, node]) {
    if (!path.startsWith("/")) throw valueInvalid(`${shown(path)} is not an absolute path`);
    if (path.includes("\0")) throw valueInvalid(`${shown(path)} holds a NUL character`);
  }
  const target = normalise(node);
  if (
    reserved.includes(target) ||
    reservedTrees.some((tree) => target === tree || target.startsWith(`${tree}/`))
  ) {
    throw valueInvalid(`${shown(node)} belongs to the node itself; mount to another path, as /mnt/src`);
  }
  return { host: normalise(host), node: target, readOnly };
}

/** As `parseMount` reads it. */
export const mountText = ({ host, node, readOnly }: Mount): string =>
  `${host}:${node}${readOnly ? ":ro" : ""}`;

const normalise = (path: string): string => posix.normalize(path).replace(/(?<=.)\/$/, "");
