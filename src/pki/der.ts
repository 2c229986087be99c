/**
 * Writing DER (ITU-T X.690): as much of it as an X.509 certificate needs. Each function gives one complete element:
 * tag, length, contents.
 *
 * Written here because an ASN.1 library costs more than all of the cluster's cryptography (docs/decisions/0002-certificates.md).
 */

const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element. X.690 §8.1.3: lengths below 128 in one byte, else the number of length bytes and then those. */
function element(tag: number, ...contents: Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, part) => sum + part.length, 0);
  const header = [tag];
  if (length < 0x80) header.push(length);
  else if (length < 0x100) header.push(0x81, length);
  else if (length < 0x10000) header.push(0x82, length >> 8, length & 0xff);
  else throw new RangeError(`a DER element of ${length} bytes is larger than certificates need`);
  return Buffer.concat([Uint8Array.from(header), ...contents]);
}

export const sequence = (...parts: Uint8Array[]): Uint8Array => element(Tag.sequence, ...parts);

/** X.690 §11.6: the elements of a SET OF are sorted; those that we write have one. */
export const setOfOne = (part: Uint8Array): Uint8Array => element(Tag.set, part);

/** X.690 §11.1: TRUE is all ones. FALSE is never written: in certificates it is always the default. */
export const trueValue = (): Uint8Array => element(Tag.boolean, Uint8Array.of(0xff));

/** A non-negative integer from its big-endian bytes; X.690 §8.3.2: as few bytes as keep it non-negative. */
export function integer(bigEndian: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bigEndian.length - 1 && bigEndian[start] === 0) start++;
  const digits = bigEndian.subarray(start);
  const needsZero = digits.length === 0 || digits[0]! >= 0x80;
  return element(Tag.integer, Uint8Array.from(needsZero ? [0] : []), digits);
}

/** X.690 §11.2.2: of named bits, trailing zero bits are not written. Bit 0 is the most significant. */
export function namedBits(bits: number[]): Uint8Array {
  const last = Math.max(...bits);
  const bytes = new Uint8Array(Math.floor(last / 8) + 1);
  for (const bit of bits) bytes[Math.floor(bit / 8)]! |= 0x80 >> (bit % 8);
  return element(Tag.bitString, Uint8Array.of(7 - (last % 8)), bytes);
}

/** A bit string of whole bytes: a signature. */
export const bitString = (bytes: Uint8Array): Uint8Array => element(Tag.bitString, Uint8Array.of(0), bytes);

export const octetString = (bytes: Uint8Array): Uint8Array => element(Tag.octetString, bytes);

export const utf8String = (text: string): Uint8Array => element(Tag.utf8String, Buffer.from(text, "utf8"));

/** An object identifier from its dotted form. X.690 §8.19: base 128, the first two numbers share a byte. */
export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const groups = [number & 0x7f];
    for (let high = number >>> 7; high > 0; high >>>= 7) groups.unshift((high & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return element(Tag.oid, Uint8Array.from(bytes));
}

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050; whole seconds, UTC. */
export function time(date: Date): Uint8Array {
  const digits = date.toISOString().replace(/\.\d+/, "").replace(/[-:T]/g, ""); // 20361120101500Z
  return date.getUTCFullYear() < 2050
    ? element(Tag.utcTime, Buffer.from(digits.slice(2), "latin1"))
    : element(Tag.generalizedTime, Buffer.from(digits, "latin1"));
}

/** `[number]` with elements inside: explicit tagging, or an implicitly tagged SEQUENCE. */
export const contextConstructed = (number: number, ...parts: Uint8Array[]): Uint8Array =>
  element(0xa0 | number, ...parts);

/** `[number]` IMPLICIT over a string type. */
export const contextPrimitive = (number: number, contents: Uint8Array): Uint8Array =>
  element(0x80 | number, contents);
