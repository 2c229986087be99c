/** TFTP packets as bytes (RFC 1350 §5; options: RFC 2347). Integers are 16-bit big-endian; texts end with a NUL. */

const opcodes = { read: 1, write: 2, data: 3, ack: 4, error: 5, optionAck: 6 } as const;

/** RFC 1350 §5, RFC 2347. */
export const tftpError = {
  undefined: 0,
  fileNotFound: 1,
  accessViolation: 2,
  illegalOperation: 4,
  optionsRefused: 8,
} as const;

export interface TftpRequest {
  type: "read" | "write";
  /** As it came: not a path, and not to be used as one. */
  file: string;
  /** In lower case: `octet`, `netascii`. */
  mode: string;
  /** In the order they came, names in lower case; of two of one name the first. */
  options: ReadonlyMap<string, string>;
}

export type TftpPacket =
  | TftpRequest
  | { type: "data"; block: number; data: Buffer }
  | { type: "ack"; block: number }
  | { type: "error"; code: number; message: string }
  | { type: "optionAck"; options: ReadonlyMap<string, string> };

/** A request has 512 bytes at most (RFC 2347). */
const maxRequestBytes = 512;
/** Opcode and block number, before the data. */
export const dataHeaderBytes = 4;

/** @returns undefined: this is no TFTP packet. */
export function decodePacket(packet: Buffer): TftpPacket | undefined {
  if (packet.length < 4) return undefined;
  switch (packet.readUInt16BE(0)) {
    case opcodes.read:
      return decodeRequest("read", packet);
    case opcodes.write:
      return decodeRequest("write", packet);
    case opcodes.data:
      return { type: "data", block: packet.readUInt16BE(2), data: packet.subarray(dataHeaderBytes) };
    case opcodes.ack:
      return { type: "ack", block: packet.readUInt16BE(2) };
    case opcodes.error:
      // Some firmware leaves out the NUL, some the text.
      return {
        type: "error",
        code: packet.readUInt16BE(2),
        message: packet.toString("utf8", 4).split("\0", 1)[0]!,
      };
    case opcodes.optionAck:
      return { type: "optionAck", options: optionsOf(textsOf(packet, 2)) };
    default:
      return undefined;
  }
}

/** Layout: opcode, file, mode, then pairs of option and value. What comes after the last whole pair is ignored. */
function decodeRequest(type: "read" | "write", packet: Buffer): TftpRequest | undefined {
  if (packet.length > maxRequestBytes) return undefined;
  const [file, mode, ...options] = textsOf(packet, 2);
  if (file === undefined || mode === undefined) return undefined;
  return { type, file, mode: mode.toLowerCase(), options: optionsOf(options) };
}

/** The texts that have their NUL. */
const textsOf = (packet: Buffer, from: number): string[] =>
  packet.toString("utf8", from).split("\0").slice(0, -1);

function optionsOf(texts: readonly string[]): Map<string, string> {
  const options = new Map<string, string>();
  for (let i = 0; i + 1 < texts.length; i += 2) {
    const name = texts[i]!.toLowerCase();
    if (!options.has(name)) options.set(name, texts[i + 1]!);
  }
  return options;
}

export const encodeRequest = ({ type, file, mode, options }: TftpRequest): Buffer =>
  withTexts([opcodes[type]], [file, mode, ...[...options].flat()]);

export const encodeOptionAck = (options: ReadonlyMap<string, string>): Buffer =>
  withTexts([opcodes.optionAck], [...options].flat());

export const encodeError = (code: number, message: string): Buffer =>
  withTexts([opcodes.error, code], [message]);

export const encodeAck = (block: number): Buffer => withTexts([opcodes.ack, block], []);

/** @param block counted on from 1; the packet holds its lower 16 bits */
export const encodeData = (block: number, data: Uint8Array): Buffer =>
  encodeDataInto(Buffer.allocUnsafe(dataHeaderBytes + data.length), block, data);

/** As `encodeData`. @param buffer large enough; the packet is its beginning, of which all is written */
export function encodeDataInto(buffer: Buffer, block: number, data: Uint8Array): Buffer {
  const length = dataHeaderBytes + data.length;
  buffer[0] = 0;
  buffer[1] = opcodes.data;
  buffer[2] = (block >> 8) & 0xff;
  buffer[3] = block & 0xff;
  buffer.set(data, dataHeaderBytes);
  return length === buffer.length ? buffer : buffer.subarray(0, length);
}

function withTexts(numbers: readonly number[], texts: readonly string[]): Buffer {
  const head = Buffer.alloc(2 * numbers.length);
  numbers.forEach((number, i) => {
    head.writeUInt16BE(number & 0xffff, 2 * i);
  });
  return Buffer.concat([head, ...texts.map((text) => Buffer.from(`${text}\0`))]);
}
