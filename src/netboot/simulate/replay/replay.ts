import type { Decision } from "../../decision.js";
import { clientMac, type DhcpPacket, encodeDhcp } from "../../dhcp/codec.js";
import { addressOption, bytesOfAddresses, messageTypeOf, option } from "../../dhcp/options.js";
import type { LabNetwork } from "../../inventory/types.js";
import { decodePacket } from "../../tftp/codec.js";
import { shownPacket } from "../show-packet.js";
import { packetOf, type UnpluggedServer } from "../unplugged-server.js";
import type { Captured } from "./capture.js";
import { httpAnswer, httpRequest, parseResponse } from "./http-exchange.js";
import { type Segment, segmentOf } from "./segments.js";

/** A capture, as this lab would have answered it. */
export interface Replay {
  /** Packets in the file. */
  packets: number;
  exchanges: Exchange[];
  /** Of these, how many are answered otherwise here. */
  differing: number;
}

/** What a client said, and the two answers. */
export interface Exchange {
  /** ISO 8601. */
  time: string;
  protocol: "dhcp" | "proxydhcp" | "tftp" | "http";
  /** Its MAC, or its address where that is all that is known. */
  client: string;
  request: string;
  /** What was not replayed as it came. */
  adapted?: string;
  rows: Row[];
  /** Why this lab gives no answer, or a refusal. */
  because?: string;
  decisions: Decision[];
}

/** A field of the answers; undefined: it is not there. */
export interface Row {
  field: string;
  here?: string;
  captured?: string;
  same: boolean;
}

export interface ReplayOptions {
  server: UnpluggedServer;
  /** Where the capture was made, in the lab's terms. */
  network: LabNetwork | undefined;
  /** This machine alone. */
  mac?: string | undefined;
}

/** Gives what clients said in a capture to the handlers of a lab, in that order, and compares the answers. */
export async function replayCapture(
  packets: readonly Captured[],
  { server, network, mac }: ReplayOptions,
): Promise<Replay> {
  const segments = packets.flatMap((packet) => segmentOf(packet) ?? []);
  const replayer = new Replayer(segments, server, network);
  const exchanges: Exchange[] = [];
  for (const [i, segment] of segments.entries()) {
    const exchange = await replayer.replay(segment, i);
    if (exchange && (mac === undefined || exchange.client === mac)) exchanges.push(exchange);
  }
  return { packets: packets.length, exchanges, differing: exchanges.filter(differs).length };
}

export const differs = ({ rows }: Exchange): boolean => rows.some(({ same }) => !same);

/** An answer as fields. */
type Fields = ReadonlyMap<string, string>;

class Replayer {
  readonly #segments: readonly Segment[];
  readonly #server: UnpluggedServer;
  readonly #network: LabNetwork | undefined;
  /** MACs by address, as the capture's servers leased them. */
  readonly #owners = new Map<string, string>();
  /** What was offered by MAC: here, and in the capture by whom. */
  readonly #offers = new Map<string, { here?: string; server?: string }>();

  constructor(segments: readonly Segment[], server: UnpluggedServer, network: LabNetwork | undefined) {
    this.#segments = segments;
    this.#server = server;
    this.#network = network;
  }

  /** @returns undefined for what no client says */
  async replay(segment: Segment, at: number): Promise<Exchange | undefined> {
    const { protocol, targetPort, payload } = segment;
    if (protocol === "udp" && targetPort === 68) {
      const packet = packetOf(payload);
      if (packet?.op === "reply") this.#learnLease(packet);
    }
    if (protocol === "udp" && (targetPort === 67 || targetPort === 4011))
      return this.#dhcp(segment, at, targetPort);
    if (protocol === "udp" && targetPort === 69) return this.#tftp(segment, at);
    if (protocol === "tcp" && payload.length > 0) return this.#http(segment, at);
    return undefined;
  }

  #dhcp(segment: Segment, at: number, port: 67 | 4011): Exchange | undefined {
    const packet = packetOf(segment.payload);
    if (packet?.op !== "request") return undefined;
    const mac = clientMac(packet);
    const captured = this.#capturedReply(packet, at, port);
    const adapted = port === 67 && mac !== undefined && this.#takeOurOffer(packet, mac);
    const bytes = adapted ? encodeDhcp(packet).bytes : segment.payload;
    const heard = this.#server.hearDhcp(bytes, this.#network?.interface, port);
    const here = heard.bytes && packetOf(heard.bytes);
    if (mac !== undefined) this.#remember(mac, packet, here, captured);
    return {
      ...this.#exchange(segment, port === 67 ? "dhcp" : "proxydhcp", mac ?? segment.source),
      request: `${shownPacket(packet).type} to port ${port}`,
      ...(adapted ? { adapted: "it takes this lab's offer, not that of the capture's server" } : {}),
      rows: compared(here && dhcpFields(here), captured && dhcpFields(captured)),
      ...(heard.because === undefined ? {} : { because: heard.because }),
      decisions: heard.decisions,
    };
  }

  /**
   * The capture's answer to it: a reply of its transaction from the port that was asked, before the client goes on. Of two
   * servers' replies it is that of the lab's kind: of a proxyDHCP server those that give no address.
   */
  #capturedReply({ xid, options }: DhcpPacket, at: number, port: number): DhcpPacket | undefined {
    const type = messageTypeOf(options);
    const isProxy = this.#network?.mode === "proxy";
    for (const { protocol, sourcePort, payload } of this.#segments.slice(at + 1)) {
      if (protocol !== "udp" || ![67, 68, 4011].includes(sourcePort)) continue;
      const packet = packetOf(payload);
      if (packet?.xid !== xid) continue;
      if (packet.op === "request") {
        if (messageTypeOf(packet.options) !== type) return undefined;
      } else if (sourcePort === port && (packet.yiaddr === "0.0.0.0" || !isProxy)) return packet;
    }
    return undefined;
  }

  /** A REQUEST for what the capture's server offered, made one for what was offered here. */
  #takeOurOffer(packet: DhcpPacket, mac: string): boolean {
    const offer = this.#offers.get(mac);
    const server = addressOption(packet.options, option.serverId);
    const ours = this.#network?.address;
    if (messageTypeOf(packet.options) !== "REQUEST" || !offer?.here || server === undefined || !ours)
      return false;
    const asked = addressOption(packet.options, option.requestedAddress);
    if (server !== offer.server || (server === ours && asked === offer.here)) return false;
    packet.options.set(option.serverId, bytesOfAddresses(ours));
    packet.options.set(option.requestedAddress, bytesOfAddresses(offer.here));
    return true;
  }

  #remember(
    mac: string,
    asked: DhcpPacket,
    here: DhcpPacket | undefined,
    captured: DhcpPacket | undefined,
  ): void {
    if (messageTypeOf(asked.options) === "DISCOVER") {
      const server = captured && addressOption(captured.options, option.serverId);
      this.#offers.set(mac, {
        ...(here && here.yiaddr !== "0.0.0.0" ? { here: here.yiaddr } : {}),
        ...(server === undefined ? {} : { server }),
      });
    }
  }

  /** Whose an address is, by whatever server leased it. */
  #learnLease(packet: DhcpPacket): void {
    const mac = clientMac(packet);
    if (mac === undefined || messageTypeOf(packet.options) !== "ACK" || packet.yiaddr === "0.0.0.0") return;
    this.#owners.set(packet.yiaddr, mac);
    this.#server.gaveAddress(mac, packet.yiaddr);
  }

  #tftp(segment: Segment, at: number): Exchange | undefined {
    const packet = decodePacket(segment.payload);
    if (packet?.type !== "read" && packet?.type !== "write") return undefined;
    const answer = this.#server.hearTftp(segment.payload, segment.source)!;
    if (answer.type === "transfer") answer.source.close();
    const here =
      answer.type === "refusal"
        ? new Map([["answer", "error"]])
        : new Map([["answer", "transfer"], ...[...answer.terms.granted].map(([k, v]) => [k, v] as const)]);
    const options = [...packet.options].map(([name, value]) => ` ${name}=${value}`).join("");
    return {
      ...this.#exchange(segment, "tftp"),
      request: `${packet.type} ${packet.file}${options}`,
      rows: compared(here, this.#capturedTransfer(segment, at)),
      ...(answer.type === "refusal" ? { because: answer.why } : {}),
      decisions: [],
    };
  }

  #capturedTransfer({ source, sourcePort }: Segment, at: number): Fields | undefined {
    const reply = this.#segments
      .slice(at + 1)
      .find((each) => each.protocol === "udp" && each.target === source && each.targetPort === sourcePort);
    const packet = reply && decodePacket(reply.payload);
    if (!packet) return undefined;
    if (packet.type === "error") return new Map([["answer", "error"]]);
    return new Map([["answer", "transfer"], ...(packet.type === "optionAck" ? packet.options : [])]);
  }

  async #http(segment: Segment, at: number): Promise<Exchange | undefined> {
    const request = httpRequest(segment);
    if (!request) return undefined;
    const heard = await this.#server.hearHttp(request);
    const reply = this.#segments
      .slice(at + 1)
      .find(
        (each) =>
          each.protocol === "tcp" &&
          each.payload.length > 0 &&
          each.target === segment.source &&
          each.targetPort === segment.sourcePort &&
          each.source === segment.target,
      );
    const captured = reply && parseResponse(this.#stream(segment, at));
    return {
      ...this.#exchange(segment, "http"),
      request: `${request.method} ${request.target}`,
      rows: compared(httpAnswer(heard, captured?.body !== undefined), captured?.fields),
      ...(heard.error === undefined ? {} : { because: heard.error }),
      decisions: heard.decisions,
    };
  }

  /** What the server said on that connection, up to the client's next word; first packets are enough for documents. */
  #stream({ source, sourcePort, target, targetPort }: Segment, at: number): Buffer {
    const parts: Buffer[] = [];
    for (const each of this.#segments.slice(at + 1)) {
      if (each.protocol !== "tcp" || each.payload.length === 0) continue;
      if (each.target === source && each.targetPort === sourcePort && each.source === target)
        parts.push(each.payload);
      if (
        each.source === source &&
        each.sourcePort === sourcePort &&
        each.target === target &&
        each.targetPort === targetPort
      )
        break;
      if (parts.length >= 16) break;
    }
    return Buffer.concat(parts);
  }

  #exchange(segment: Segment, protocol: Exchange["protocol"], client?: string) {
    const { time, source, mac } = segment;
    return {
      time: new Date(time).toISOString(),
      protocol,
      client: client ?? this.#owners.get(source) ?? mac ?? source,
    };
  }
}

/** Fields of either answer, those of the server's own identity among them: whoever migrates wants to see them. */
function compared(here: Fields | undefined, captured: Fields | undefined): Row[] {
  if (!here && !captured) return [];
  const [ours, theirs] = [here ?? new Map([["answer", "none"]]), captured ?? new Map([["answer", "none"]])];
  return [...new Set([...theirs.keys(), ...ours.keys()])].map((field) => {
    const [one, other] = [ours.get(field), theirs.get(field)];
    return {
      field,
      ...(one === undefined ? {} : { here: one }),
      ...(other === undefined ? {} : { captured: other }),
      same: one === other,
    };
  });
}

function dhcpFields(packet: DhcpPacket): Fields {
  const { type, header, options } = shownPacket(packet);
  const { xid, flags, ...addresses } = header;
  return new Map([
    ["answer", type],
    ...Object.entries(addresses),
    ...options
      .filter(({ code }) => code !== option.messageType)
      .sort((a, b) => a.code - b.code)
      .map(({ code, name, value }) => [`${code} ${name}`, value] as const),
  ]);
}
