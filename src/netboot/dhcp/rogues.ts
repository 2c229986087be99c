import type { DhcpPacket } from "./codec.js";
import { addressOption, messageTypeOf, option } from "./options.js";

/** A server that answers on a wire of ours. */
export interface OtherServer {
  /** As it names itself (option 54), or where its packet came from. */
  server: string;
  interface: string | undefined;
  packet: DhcpPacket;
  type: string;
}

/** A server is told of again after that time, if it still answers. */
const againMs = 60_000;
/** More servers than that are not remembered: whoever makes up names shall not fill the memory. */
const maxServers = 256;

/** Which other servers were heard, so that each is told of once a minute and not for every packet. */
export class Rogues {
  readonly #toldAt = new Map<string, number>();

  heard(
    packet: DhcpPacket,
    from: string,
    interfaceName: string | undefined,
    now: number,
  ): OtherServer | undefined {
    const server = addressOption(packet.options, option.serverId) ?? from;
    const key = `${interfaceName} ${server}`;
    const told = this.#toldAt.get(key);
    if (told !== undefined && now - told < againMs && now >= told) return undefined;
    if (told === undefined && this.#toldAt.size >= maxServers) {
      for (const [other, at] of this.#toldAt) if (now - at >= againMs) this.#toldAt.delete(other);
      if (this.#toldAt.size >= maxServers) return undefined;
    }
    this.#toldAt.set(key, now);
    return { server, interface: interfaceName, packet, type: messageTypeOf(packet.options) ?? "BOOTREPLY" };
  }
}
