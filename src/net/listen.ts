import { createSocket, type Socket } from "node:dgram";
import { isSlipwayError, messageOf, SlipwayError, systemCode } from "../base/errors.js";
import { type HostPort, portHolder } from "./ports.js";

export interface UdpOptions extends Omit<HostPort, "protocol"> {
  /** Other sockets may have the port too (SO_REUSEADDR). @default false */
  shared?: boolean;
}

/**
 * Of sockets that many speak to at once: room for the packets of some thousand machines that get power at the same moment. With
 * the kernel's own (208 KiB) most of the first thousand are dropped, and come again after 4, 8 or 16 seconds.
 */
export const burstBytes = 4 * 1024 * 1024;

/**
 * A UDP socket (IPv4) that has its port; port 0: any that is free. It sends to addresses only, never to names, without the
 * turn of the event loop that looking up names costs each datagram.
 *
 * @param prepare done before the socket is handed out; if it fails the socket is closed
 * @throws {SlipwayError} as `listenError`
 */
export async function openUdp(
  { address, port, shared = false }: UdpOptions,
  prepare?: (socket: Socket) => void | Promise<void>,
): Promise<Socket> {
  const socket = createSocket({
    type: "udp4",
    reuseAddr: shared,
    lookup: (name, _options, callback) => callback(null, name, 4),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ address, port, exclusive: true }, () => {
        socket.off("error", reject);
        resolve();
      });
    });
    await prepare?.(socket);
    return socket;
  } catch (error) {
    socket.close();
    throw await listenError({ address, port, protocol: "udp" }, error);
  }
}

/**
 * Why one cannot listen on a port, for people.
 *
 * @returns {SlipwayError} `PORT_IN_USE` with the holder; `PERMISSION_DENIED`; `ADDRESS_INVALID` when no interface has the
 * address; `PREFLIGHT_FAILED`
 */
export async function listenError(at: HostPort, error: unknown): Promise<SlipwayError> {
  if (isSlipwayError(error)) return error;
  const where = `${at.protocol.toUpperCase()} port ${at.port} of ${at.address}`;
  switch (systemCode(error)) {
    case "EADDRINUSE": {
      const holder = await portHolder(at).catch(() => undefined);
      return new SlipwayError("PORT_IN_USE", `${where} is taken${holder ? ` by ${holder}` : ""}`, {
        hint: "stop what holds it, or choose another port",
        cause: error,
      });
    }
    case "EACCES":
      return new SlipwayError("PERMISSION_DENIED", `${where} may not be used by this user`, {
        hint: "run it as root: ports below 1024 are root's",
        cause: error,
      });
    case "EADDRNOTAVAIL":
      return new SlipwayError("ADDRESS_INVALID", `no interface of this machine has ${at.address}`, {
        hint: "ip address shows which there are",
        cause: error,
      });
    default:
      return new SlipwayError("PREFLIGHT_FAILED", `cannot listen on ${where}: ${messageOf(error)}`, {
        cause: error,
      });
  }
}
