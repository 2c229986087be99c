import { isRawByte, runes } from "./byte-text.js";

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** What Go's unicode.IsPrint takes for visible, or the ASCII space. */
export const isPrintable = (rune: string): boolean => printable.test(rune);

const shortEscapes: Record<string, string> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
};

/** Go's strconv.Quote. */
export const quote = (text: string, asciiOnly = false): string =>
  `"${runes(text)
    .map((rune) => quoteRune(rune, '"', asciiOnly))
    .join("")}"`;

/** One character of a quoted string or character literal. */
export function quoteRune(rune: string, around: '"' | "'", asciiOnly: boolean): string {
  if (isRawByte(rune)) return `\\x${(rune.charCodeAt(0) & 0xff).toString(16)}`;
  if (rune === around) return `\\${rune}`;
  if (shortEscapes[rune]) return shortEscapes[rune];
  const code = rune.codePointAt(0)!;
  if (isPrintable(rune) && (code < 0x80 || !asciiOnly)) return rune;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x10000
    ? `\\u${code.toString(16).padStart(4, "0")}`
    : `\\U${code.toString(16).padStart(8, "0")}`;
}

/** Whether it can stand between back quotes as it is (strconv.CanBackquote). */
export const canBackquote = (text: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what cannot
  !/[\u0000-\u0008\u000a-\u001f\u007f`\ufeff\udc80-\udcff]/.test(
    text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, ""),
  );
