/** One DER element, its place in the buffer that it was read from. */
export interface DerElement {
  tag: number;
  /** With tag and length. */
  bytes: Uint8Array;
  contents: Uint8Array;
}

/**
 * Splits bytes into the DER elements that follow one another in them (ITU-T X.690 §8.1). Meant for certificates that
 * OpenSSL has parsed before: one-byte tags, definite lengths.
 *
 * @throws {RangeError} when a length points past the end.
 */
export function readElements(bytes: Uint8Array): DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at]!;
    let length = bytes[at + 1] ?? Number.NaN;
    let start = at + 2;
    if (length >= 0x80) {
      const lengthBytes = length & 0x7f;
      length = bytes.subarray(start, start + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
      start += lengthBytes;
    }
    const end = start + length;
    if (!(end <= bytes.length)) throw new RangeError("a DER element is longer than what holds it");
    elements.push({ tag, bytes: bytes.subarray(at, end), contents: bytes.subarray(start, end) });
    at = end;
  }
  return elements;
}
