import { macFromBytes } from "../../net/mac.js";
import { toNumber } from "./network.js";
import { writeOptions } from "./option-areas.js";

/**
 * DHCP packets (RFC 2131 §2, RFC 2132) and bytes, each way. Reading never throws: what is no DHCP packet gives a reason.
 */
export interface DhcpPacket {
  op: "request" | "reply";
  /** Hardware type (RFC 1700): 1 is Ethernet. */
  htype: number;
  hops: number;
  /** Transaction. */
  xid: number;
  secs: number;
  /** The client cannot take unicast before it has an address. */
  broadcast: boolean;
  /** IPv4 addresses as text; `0.0.0.0` is none. */
  ciaddr: string;
  yiaddr: string;
  siaddr: string;
  giaddr: string;
  /** The hardware address: `hlen` bytes. */
  chaddr: Uint8Array;
  /** Server's name and boot file in the header; empty when option overload put options there. */
  sname: string;
  file: string;
  /** In order of first appearance; parts of a long option are joined (RFC 3396). */
  options: Map<number, Buffer>;
}

export type Decoded = { packet: DhcpPacket } | { invalid: string };

const headerLength = 236;
const magic = 0x63825363;
/** The least that RFC 951 clients and relays take. */
const minimumLength = 300;

const pad = 0;
const end = 255;
const overload = 52;

/** The MAC address of an Ethernet client, in lower case with colons; undefined for other hardware. */
export const clientMac = ({ htype, chaddr }: DhcpPacket): string | undefined =>
  htype === 1 && chaddr.length === 6 ? macFromBytes(chaddr) : undefined;

export function decodeDhcp(bytes: Uint8Array): Decoded {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < headerLength) return { invalid: `${buffer.length} bytes are too few` };
  const op = buffer[0];
  if (op !== 1 && op !== 2) return { invalid: `op is ${op}` };
  const hlen = buffer[2]!;
  if (hlen > 16) return { invalid: `a hardware address of ${hlen} bytes` };
  // Without the cookie it is plain BOOTP (RFC 951), with a vendor area that is nobody's.
  const isDhcp = buffer.length >= headerLength + 4 && buffer.readUInt32BE(headerLength) === magic;
  const fields = isDhcp ? readFields(buffer) : new Map<number, Buffer>();
  if (typeof fields === "string") return { invalid: fields };
  const overloaded = fields.get(overload)?.[0] ?? 0;
  fields.delete(overload);
  return {
    packet: {
      op: op === 1 ? "request" : "reply",
      htype: buffer[1]!,
      hops: buffer[3]!,
      xid: buffer.readUInt32BE(4),
      secs: buffer.readUInt16BE(8),
      broadcast: (buffer[10]! & 0x80) !== 0,
      ciaddr: addressAt(buffer, 12),
      yiaddr: addressAt(buffer, 16),
      siaddr: addressAt(buffer, 20),
      giaddr: addressAt(buffer, 24),
      chaddr: Uint8Array.from(buffer.subarray(28, 28 + hlen)),
      sname: overloaded & 2 ? "" : textIn(buffer.subarray(44, 108)),
      file: overloaded & 1 ? "" : textIn(buffer.subarray(108, 236)),
      options: fields,
    },
  };
}

/** The options of a packet, or why they cannot be read. RFC 2131 §4.1: options, then `file`, then `sname`, as option 52 says. */
function readFields(buffer: Buffer): Map<number, Buffer> | string {
  const parts = new Map<number, Buffer[]>();
  const problem = readOptions(buffer.subarray(headerLength + 4), parts);
  if (problem) return problem;
  const overloaded = parts.get(overload)?.[0]?.[0] ?? 0;
  if (overloaded & 1) {
    const inFile = readOptions(buffer.subarray(108, 236), parts);
    if (inFile) return `in the file field: ${inFile}`;
  }
  if (overloaded & 2) {
    const inName = readOptions(buffer.subarray(44, 108), parts);
    if (inName) return `in the sname field: ${inName}`;
  }
  const options = new Map<number, Buffer>();
  for (const [code, values] of parts) {
    options.set(code, values.length === 1 ? values[0]! : Buffer.concat(values));
  }
  return options;
}

function readOptions(area: Buffer, into: Map<number, Buffer[]>): string | undefined {
  let at = 0;
  while (at < area.length) {
    const code = area[at++]!;
    if (code === pad) continue;
    if (code === end) return undefined;
    const length = area[at++];
    if (length === undefined || at + length > area.length) return `option ${code} goes past the end`;
    const values = into.get(code);
    const value = area.subarray(at, at + length);
    if (values) values.push(value);
    else into.set(code, [value]);
    at += length;
  }
  return undefined;
}

const addressAt = (buffer: Buffer, at: number): string =>
  `${buffer[at]}.${buffer[at + 1]}.${buffer[at + 2]}.${buffer[at + 3]}`;

/** Text up to the first zero byte. */
function textIn(bytes: Buffer): string {
  const zero = bytes.indexOf(0);
  return bytes.toString("latin1", 0, zero < 0 ? bytes.length : zero);
}

export interface Encoded {
  bytes: Buffer;
  /** Codes of options that the client has no room for. */
  leftOut: number[];
}

/**
 * The bytes of a packet, at least 300 of them. Options of more than 255 bytes are split (RFC 3396); those that the option
 * field has no room for go to `file` and `sname` where these are empty (option 52). What fits nowhere is left out, the last
 * ones first.
 *
 * @param maximum bytes of UDP payload that the client takes: option 57 less IP's and UDP's 28
 */
export function encodeDhcp(packet: DhcpPacket, maximum = 1472): Encoded {
  const size = Math.max(maximum, minimumLength);
  const buffer = Buffer.alloc(size);
  buffer[0] = packet.op === "request" ? 1 : 2;
  buffer[1] = packet.htype;
  buffer[2] = packet.chaddr.length;
  buffer[3] = packet.hops;
  buffer.writeUInt32BE(packet.xid, 4);
  buffer.writeUInt16BE(packet.secs, 8);
  buffer[10] = packet.broadcast ? 0x80 : 0;
  writeAddress(buffer, packet.ciaddr, 12);
  writeAddress(buffer, packet.yiaddr, 16);
  writeAddress(buffer, packet.siaddr, 20);
  writeAddress(buffer, packet.giaddr, 24);
  buffer.set(packet.chaddr, 28);
  // One byte stays zero at the end of each.
  buffer.write(packet.sname.slice(0, 63), 44, "latin1");
  buffer.write(packet.file.slice(0, 127), 108, "latin1");
  buffer.writeUInt32BE(magic, headerLength);
  const { written, leftOut } = writeOptions(buffer, headerLength + 4, packet);
  return { bytes: buffer.subarray(0, Math.max(written, minimumLength)), leftOut };
}

function writeAddress(buffer: Buffer, address: string, at: number): void {
  if (address !== "0.0.0.0") buffer.writeUInt32BE(toNumber(address), at);
}

/** The four bytes of an IPv4 address that is known to be one. */
export function addressBytes(address: string): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(toNumber(address));
  return bytes;
}

/** What fits into one Ethernet frame. */
const largestPayload = 1472;
/** RFC 2131 §2: every client takes 576 bytes of IP. */
const leastPayload = 548;
const maximumSize = 57;

/** Bytes of answer that a client takes. Option 57 counts IP's and UDP's headers (28 bytes) too. */
export function roomOf({ options }: DhcpPacket): number {
  const said = options.get(maximumSize);
  const room = said?.length === 2 ? said.readUInt16BE(0) - 28 : leastPayload;
  return Math.min(Math.max(room, leastPayload), largestPayload);
}
