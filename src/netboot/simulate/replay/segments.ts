import { macFromBytes } from "../../../net/mac.js";
import type { Captured } from "./capture.js";

/** What a UDP datagram or a TCP segment of a capture carries. */
export interface Segment {
  /** Milliseconds since 1970. */
  time: number;
  protocol: "udp" | "tcp";
  /** Of the sender on this wire, where the capture has it; behind a router it is the router's. */
  mac?: string;
  source: string;
  sourcePort: number;
  target: string;
  targetPort: number;
  payload: Buffer;
}

const etherTypes = { ipv4: 0x0800, vlan: new Set([0x8100, 0x88a8]) };

/** Takes a frame apart; undefined: it is no UDP or TCP over IPv4, or it is cut off or a fragment. */
export function segmentOf({ time, linkType, bytes }: Captured): Segment | undefined {
  const network = networkLayer(linkType, bytes);
  if (!network) return undefined;
  const { ip, mac } = network;
  if (ip.length < 20 || ip[0]! >> 4 !== 4) return undefined;
  const headerLength = (ip[0]! & 15) * 4;
  const length = ip.readUInt16BE(2);
  const isFragment = (ip.readUInt16BE(6) & 0x3fff) !== 0;
  if (isFragment || headerLength < 20 || length < headerLength || length > ip.length) return undefined;
  const carried = ip.subarray(headerLength, length);
  const payload = payloadOf(ip[9]!, carried);
  if (!payload) return undefined;
  return {
    time,
    ...(mac === undefined ? {} : { mac }),
    source: ip.subarray(12, 16).join("."),
    target: ip.subarray(16, 20).join("."),
    sourcePort: carried.readUInt16BE(0),
    targetPort: carried.readUInt16BE(2),
    ...payload,
  };
}

function payloadOf(protocol: number, carried: Buffer): Pick<Segment, "protocol" | "payload"> | undefined {
  if (protocol === 17 && carried.length >= 8) return { protocol: "udp", payload: carried.subarray(8) };
  if (protocol !== 6 || carried.length < 20) return undefined;
  const headerLength = (carried[12]! >> 4) * 4;
  return headerLength < 20 || headerLength > carried.length
    ? undefined
    : { protocol: "tcp", payload: carried.subarray(headerLength) };
}

/** By link type (tcpdump.org/linktypes): Ethernet, raw IP, Linux's cooked captures of `any`. */
function networkLayer(linkType: number, bytes: Buffer): { ip: Buffer; mac?: string } | undefined {
  if (linkType === 101 || linkType === 228) return { ip: bytes };
  if (linkType === 113 && bytes.length >= 16 && bytes.readUInt16BE(14) === etherTypes.ipv4) {
    return { ip: bytes.subarray(16), ...cookedMac(bytes.readUInt16BE(4), bytes.subarray(6)) };
  }
  if (linkType === 276 && bytes.length >= 20 && bytes.readUInt16BE(0) === etherTypes.ipv4) {
    return { ip: bytes.subarray(20), ...cookedMac(bytes[11]!, bytes.subarray(12)) };
  }
  if (linkType !== 1 || bytes.length < 14) return undefined;
  const mac = macFromBytes(bytes.subarray(6, 12));
  let at = 12;
  while (at + 6 <= bytes.length && etherTypes.vlan.has(bytes.readUInt16BE(at))) at += 4;
  return at + 2 <= bytes.length && bytes.readUInt16BE(at) === etherTypes.ipv4
    ? { ip: bytes.subarray(at + 2), mac }
    : undefined;
}

const cookedMac = (length: number, address: Buffer): { mac?: string } =>
  length === 6 ? { mac: macFromBytes(address.subarray(0, 6)) } : {};
