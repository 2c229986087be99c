import { bytesToText } from "./byte-text.js";
import type { Value } from "./values.js";

const singleEscapes: Record<string, number> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, "\\": 92 };

/** Reads a Go string literal, "interpreted" or \`raw\`. Undefined: it is none. */
export function unquote(literal: string): string | undefined {
  const quote = literal[0];
  const body = literal.slice(1, -1);
  if (quote === "`") return body.replaceAll("\r", "");
  const parts: Uint8Array[] = [];
  for (let at = 0; at < body.length; ) {
    const character = readCharacter(body, at, '"');
    if (!character) return undefined;
    parts.push(
      character.isByte
        ? Uint8Array.of(character.code)
        : Buffer.from(String.fromCodePoint(character.code), "utf8"),
    );
    at = character.end;
  }
  return bytesToText(Buffer.concat(parts));
}

/** Reads a Go character constant, with its quotes, as its code. Undefined: it is none. */
export function readCharacterConstant(literal: string): bigint | undefined {
  const character = readCharacter(literal, 1, "'");
  return character?.end === literal.length - 1 ? BigInt(character.code) : undefined;
}

/** One character or escape of a quoted literal. */
function readCharacter(
  text: string,
  at: number,
  quote: '"' | "'",
): { code: number; isByte: boolean; end: number } | undefined {
  const code = text.codePointAt(at)!;
  if (text[at] === quote || text[at] === "\n") return undefined;
  if (text[at] !== "\\") return { code, isByte: false, end: at + (code > 0xffff ? 2 : 1) };
  const letter = text[at + 1] ?? "";
  const single = letter === quote ? quote.charCodeAt(0) : singleEscapes[letter];
  if (single !== undefined) return { code: single, isByte: false, end: at + 2 };
  const digits =
    /^\\(?:(?<octal>[0-7]{3})|x(?<byte>[0-9a-fA-F]{2})|(?:u(?<short>[0-9a-fA-F]{4})|U(?<long>[0-9a-fA-F]{8})))/.exec(
      text.slice(at, at + 10),
    );
  if (!digits) return undefined;
  const { octal, byte, short, long } = digits.groups!;
  const value = octal ? Number.parseInt(octal, 8) : Number.parseInt((byte ?? short ?? long)!, 16);
  const isByte = octal !== undefined || byte !== undefined;
  if (isByte ? value > 0xff : value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return undefined;
  return { code: value, isByte, end: at + digits[0].length };
}

/**
 * Reads a Go number as a template gives it to a function: int, or float64 when it has a point or an exponent.
 *
 * @returns what is wrong with it where it is none.
 */
export function readNumber(text: string): { value: Value } | { wrong: string } {
  if (text.endsWith("i")) return { wrong: `complex numbers are not supported: ${text}` };
  const integer = underscoresSeparate(text) ? readInteger(text) : undefined;
  const looksFloat = /[.eEpP]/.test(text);
  if (integer !== undefined) {
    if (looksFloat && !/^0[xX]/.test(text)) return { value: Number(integer) }; // +0x1e, as Go has it
    const fits = integer >= -(2n ** 63n) && integer < 2n ** 63n;
    return fits ? { value: integer } : { wrong: `${text} overflows int` };
  }
  const float = underscoresSeparate(text) ? readFloat(text.replaceAll("_", "")) : undefined;
  if (float === undefined || !Number.isFinite(float) || !looksFloat)
    return { wrong: `illegal number syntax: "${text}"` };
  return { value: float };
}

/** Underscores stand between digits, or between a base's prefix and a digit. */
const underscoresSeparate = (text: string): boolean =>
  !text.includes("_") || /^[+-]?(?:0[xXbBoO]_?)?[0-9a-fA-F]+(?:_?[0-9a-fA-F.+\-pPeE])*$/.test(text);

function readInteger(text: string): bigint | undefined {
  const match = /^([+-]?)(?:(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+)|0([0-7]+)|(0|[1-9][0-9]*))$/.exec(
    text.replaceAll("_", ""),
  );
  if (!match) return undefined;
  const [, sign, based, octal, decimal] = match;
  const size = BigInt(based ?? (octal ? `0o${octal}` : decimal!));
  return sign === "-" ? -size : size;
}

function readFloat(text: string): number | undefined {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text);
  const hex = /^([+-]?)0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?[pP]([+-]?\d+)$/.exec(text);
  if (!hex || `${hex[2]}${hex[3] ?? ""}` === "") return undefined;
  const [, sign, whole, fraction = "", power] = hex;
  const size = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(power) - 4 * fraction.length);
  return sign === "-" ? -size : size;
}
