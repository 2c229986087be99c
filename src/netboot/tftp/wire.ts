import type { Socket } from "node:dgram";
import { openUdp } from "../../net/listen.js";
import type { Wire } from "./session.js";

export interface Peer {
  address: string;
  port: number;
}

/** A client over the port that all share. */
export const sharedWire = (socket: Socket, { address, port }: Peer): Wire => ({
  send: (packet) => socket.send(packet, port, address),
  backlogBytes: () => socket.getSendQueueSize(),
  close: () => {},
});

/**
 * A client over a port of its own (RFC 1350 §4). The kernel drops what comes from anywhere else, and tells when the client's
 * port is closed.
 */
export async function ownWire(
  address: string,
  peer: Peer,
  onPacket: (packet: Buffer) => void,
  onGone: (why: string) => void,
): Promise<Wire> {
  const socket = await openUdp({ address, port: 0 });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve();
      });
      socket.connect(peer.port, peer.address);
    });
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on("error", () => onGone("the client's port is closed"));
  socket.on("message", onPacket);
  let open = true;
  return {
    send: (packet) => {
      if (open) socket.send(packet);
    },
    backlogBytes: () => (open ? socket.getSendQueueSize() : 0),
    close: () => {
      if (open) socket.close();
      open = false;
    },
  };
}
