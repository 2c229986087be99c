/**
 * Go's strings are bytes, ours are text. A byte that is no part of valid UTF-8 (half a character that `slice` cut off, `%ff` in
 * a query) stands as the lone surrogate U+DC00 + byte, as Python's surrogateescape (PEP 383) has it, and becomes the byte again.
 */
const escaped = /[\udc80-\udcff]/;
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function textToBytes(text: string): Buffer {
  if (!escaped.test(text)) return Buffer.from(text, "utf8");
  return Buffer.concat(
    runes(text).map((rune) =>
      isRawByte(rune) ? Buffer.from([rune.charCodeAt(0) & 0xff]) : Buffer.from(rune, "utf8"),
    ),
  );
}

export function bytesToText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return lenient(bytes);
  }
}

/** Raw bytes that now stand side by side may make a character. */
export const normalText = (text: string): string =>
  escaped.test(text) ? bytesToText(textToBytes(text)) : text;

export const byteLength = (text: string): number =>
  escaped.test(text) ? textToBytes(text).length : Buffer.byteLength(text, "utf8");

/** Unicode characters; a raw byte is one. */
export const runes = (text: string): string[] => Array.from(text);

/** True for one rune that is a raw byte; a pair of surrogates is two code units long. */
export const isRawByte = (rune: string): boolean => rune.length === 1 && escaped.test(rune);

/** The order of Go's `<`: by bytes, which for valid text is by code points. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(textToBytes(a), textToBytes(b));
}

function lenient(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at]!);
    const part = bytes.subarray(at, at + length);
    try {
      text += strict.decode(part);
      at += length;
    } catch {
      text += String.fromCharCode(0xdc00 + bytes[at]!);
      at++;
    }
  }
  return text;
}

const sequenceLength = (lead: number): number => (lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);
