import { createSocket } from "node:dgram";
import { readdir, readlink } from "node:fs/promises";
import { createServer } from "node:net";
import { systemCode } from "../base/errors.js";
import { readTextIfPresent } from "../base/files.js";

export interface HostPort {
  /** IPv4 */
  address: string;
  port: number;
  protocol: "tcp" | "udp";
}

/** Whether nothing on this host listens there: asks the kernel by taking the port for a moment. */
export async function isPortFree(port: HostPort): Promise<boolean> {
  try {
    await (port.protocol === "tcp" ? bindTcp(port) : bindUdp(port));
    return true;
  } catch (error) {
    if (systemCode(error) === "EADDRINUSE") return false;
    throw error;
  }
}

function bindTcp({ address, port }: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve()));
  });
}

function bindUdp({ address, port }: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    socket.once("error", reject);
    socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve()));
  });
}

/** Who holds a port, for people: `nginx (process 812)`; undefined when it cannot be found. */
export async function portHolder(port: HostPort): Promise<string | undefined> {
  const tables = [`/proc/net/${port.protocol}`, `/proc/net/${port.protocol}6`];
  const texts = await Promise.all(tables.map((path) => readTextIfPresent(path)));
  const inodes = new Set(texts.flatMap((text) => boundInodes(text ?? "", port)));
  if (inodes.size === 0) return undefined;
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    if (await holds(pid, inodes)) {
      const name = (await readTextIfPresent(`/proc/${pid}/comm`).catch(() => undefined))?.trim();
      return `${name ?? "a program"} (process ${pid})`;
    }
  }
  return undefined;
}

/** Socket inodes of a `/proc/net/tcp` or `udp` table (proc(5)) that listen on a port, on that address or on all. */
export function boundInodes(table: string, { address, port, protocol }: HostPort): string[] {
  const wantedPort = port.toString(16).toUpperCase().padStart(4, "0");
  // The kernel prints an address as it lies in memory: on the little-endian machines that we run on, reversed.
  const hex = address
    .split(".")
    .reverse()
    .map((byte) => Number(byte).toString(16).toUpperCase().padStart(2, "0"))
    .join("");
  const onIt = (local: string) => /^0+$/.test(local) || local === hex || local.endsWith(`FFFF0000${hex}`);
  return table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
      const [localAddress = "", localPort] = local.split(":");
      const listens = protocol === "udp" || state === "0A";
      const anyWanted = /^0+$/.test(hex);
      return localPort === wantedPort && listens && (anyWanted || onIt(localAddress)) && inode ? [inode] : [];
    });
}

async function holds(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  // Processes come and go while we look.
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const descriptor of descriptors) {
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => "");
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined && inodes.has(inode)) return true;
  }
  return false;
}
