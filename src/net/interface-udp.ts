import type { Socket } from "node:dgram";
import { readdir, readlink } from "node:fs/promises";
import { runOnDescriptor } from "../base/descriptor.js";
import { SlipwayError, systemCode } from "../base/errors.js";
import { readTextIfPresent } from "../base/files.js";
import { burstBytes, openUdp } from "./listen.js";
import { boundInodes } from "./ports.js";

export interface InterfaceUdpOptions {
  /** `255.255.255.255` hears broadcasts only, an interface's own address unicast only, `0.0.0.0` both. */
  address: string;
  port: number;
  /** Hear and speak on this interface alone. Undefined: whichever the routes say. */
  interface?: string | undefined;
}

/** One at a time, so that each finds its own descriptor. */
let queue: Promise<unknown> = Promise.resolve();

/**
 * A UDP socket (IPv4) that may broadcast, and shares its port with sockets of other interfaces.
 *
 * Node tells not on which interface a datagram came, and has no SO_BINDTODEVICE. The option belongs to the socket, not to the
 * process: perl, which every Debian has, sets it on the descriptor that it is given.
 *
 * @throws {SlipwayError} as `listenError`; `PREFLIGHT_FAILED` when there is no such interface; `PROGRAM_NOT_FOUND`
 */
export function openInterfaceUdp(options: InterfaceUdpOptions): Promise<Socket> {
  const opened = queue.then(() => open(options));
  queue = opened.catch(() => {});
  return opened;
}

async function open({ address, port, interface: name }: InterfaceUdpOptions): Promise<Socket> {
  const before = name === undefined ? new Map<string, number>() : await ownSockets();
  return openUdp({ address, port, shared: true }, async (socket) => {
    socket.setBroadcast(true);
    socket.setRecvBufferSize(burstBytes); // the kernel gives no more than net.core.rmem_max
    if (name !== undefined) await bindToInterface(await descriptorOf(socket, before), name);
  });
}

/** The sockets that this process has open: descriptors by inode. */
async function ownSockets(): Promise<Map<string, number>> {
  const sockets = new Map<string, number>();
  for (const descriptor of await readdir("/proc/self/fd")) {
    const target = await readlink(`/proc/self/fd/${descriptor}`).catch(() => "");
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined) sockets.set(inode, Number(descriptor));
  }
  return sockets;
}

/** Of the sockets that were not there before, the one that has the address and port. */
async function descriptorOf(socket: Socket, before: ReadonlyMap<string, number>): Promise<number> {
  const { address, port } = socket.address();
  const bound = new Set(
    boundInodes((await readTextIfPresent("/proc/net/udp")) ?? "", { address, port, protocol: "udp" }),
  );
  const found = [...(await ownSockets())].filter(([inode]) => !before.has(inode) && bound.has(inode));
  if (found.length !== 1) {
    throw new SlipwayError("INTERNAL", `${found.length} sockets of this process are on ${address}:${port}`);
  }
  return found[0]![1];
}

/**
 * SOL_SOCKET is 1, SO_BINDTODEVICE 25 and SO_RCVBUFFORCE 33 on every Linux that Node is built for (socket(7)). The last one goes
 * beyond net.core.rmem_max, for those who may administer the network; without it the socket has what it has.
 */
const setBindToDevice = `
  open(my $socket, "+<&=", 3) or die "$!\\n";
  setsockopt($socket, 1, 25, pack("Z*", $ARGV[0])) or die "$!\\n";
  setsockopt($socket, 1, 33, pack("i", $ARGV[1]));
`;

async function bindToInterface(descriptor: number, name: string): Promise<void> {
  const { exitCode, stderr } = await runOnDescriptor(descriptor, "perl", [
    "-e",
    setBindToDevice,
    name,
    String(burstBytes),
  ]).catch((cause: unknown) => {
    if (systemCode(cause) !== "ENOENT") throw cause;
    throw new SlipwayError("PROGRAM_NOT_FOUND", "perl is not installed; it binds sockets to interfaces", {
      hint: "apt-get install perl-base",
      cause,
    });
  });
  if (exitCode === 0) return;
  throw new SlipwayError("PREFLIGHT_FAILED", `a socket could not be bound to interface ${name}: ${stderr}`, {
    hint: "ip link shows which interfaces there are",
  });
}
