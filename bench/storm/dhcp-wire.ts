import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type DhcpPacket, decodeDhcp, encodeDhcp } from "../../src/netboot/dhcp/codec.js";
import { addressOption, messageTypeOf, option } from "../../src/netboot/dhcp/options.js";
import { type Configured, configured } from "../../src/netboot/simulate/dhcp-stage.js";
import type { SimulatedMachine, Stage } from "../../src/netboot/simulate/machine.js";
import { discoverPacket, requestPacket } from "../../src/netboot/simulate/packets.js";
import { Lost, type Patience, patiently, type Tally } from "./patience.js";

/** What hears the server's broadcasts for all machines, and hands each reply to the one that it is for. */
export class DhcpWire {
  readonly #socket: Socket;
  /** By transaction: the machine's own, until another boots. */
  readonly #waiting = new Map<number, (packet: DhcpPacket) => void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (bytes) => {
      const decoded = decodeDhcp(bytes);
      if ("packet" in decoded) this.#waiting.get(decoded.packet.xid)?.(decoded.packet);
    });
  }

  static async open(): Promise<DhcpWire> {
    const socket = createSocket({ type: "udp4", reuseAddr: true });
    socket.bind(68);
    await once(socket, "listening");
    socket.setBroadcast(true);
    // Each machine has a network card of its own; here one socket hears for all.
    socket.setRecvBufferSize(4 * 1024 * 1024);
    return new DhcpWire(socket);
  }

  /** DISCOVER, OFFER, REQUEST, ACK. @throws {Lost} */
  async configure(
    machine: SimulatedMachine,
    stage: Stage,
    patience: Patience,
    tally: Tally,
  ): Promise<Configured> {
    const offer = await this.#ask(discoverPacket(machine, stage), "OFFER", patience, tally);
    const server = addressOption(offer.options, option.serverId);
    if (server === undefined) throw new Lost("an OFFER from nobody");
    const request = requestPacket(machine, stage, { address: offer.yiaddr, server });
    const ack = await this.#ask(request, "ACK", patience, tally);
    return configured(ack, ack);
  }

  close(): void {
    this.#socket.close();
  }

  async #ask(
    packet: DhcpPacket,
    wanted: "OFFER" | "ACK",
    patience: Patience,
    tally: Tally,
  ): Promise<DhcpPacket> {
    const { bytes } = encodeDhcp(packet);
    const answer = new Promise<DhcpPacket>((resolve, reject) => {
      this.#waiting.set(packet.xid, (reply) => {
        const type = messageTypeOf(reply.options);
        if (type === wanted) resolve(reply);
        else if (type === "NAK") reject(new Lost("the address was refused"));
      });
    });
    const send = () => this.#socket.send(bytes, 67, "255.255.255.255");
    try {
      return await patiently(wanted, patience, tally, send, answer);
    } finally {
      this.#waiting.delete(packet.xid);
    }
  }
}
