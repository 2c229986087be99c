import { normalText, runes, textToBytes } from "./byte-text.js";
import { type FloatFormat, formatFloat } from "./go-float.js";
import { canBackquote, isPrintable, quote, quoteRune } from "./quote.js";
import { Byte, entriesOf, isList, typeOf, type Value } from "./values.js";

/** What stands between a verb's % and its letter. */
export interface Flags {
  sharp: boolean;
  zero: boolean;
  plus: boolean;
  minus: boolean;
  space: boolean;
  /** %#v: Go syntax. */
  goSyntax: boolean;
  width?: number | undefined;
  precision?: number | undefined;
}

export const noFlags: Flags = {
  sharp: false,
  zero: false,
  plus: false,
  minus: false,
  space: false,
  goSyntax: false,
};

/** Go's fmt.Sprint: a space between two values of which neither is text. */
export function sprint(values: readonly Value[]): string {
  if (values.length === 1) return formatPlain(values[0]);
  let text = "";
  for (const [i, value] of values.entries()) {
    if (i > 0 && typeof value !== "string" && typeof values[i - 1] !== "string") text += " ";
    text += formatPlain(value);
  }
  return normalText(text);
}

export const sprintln = (values: readonly Value[]): string =>
  normalText(`${values.map(formatPlain).join(" ")}\n`);

/** %v without flags. */
export function formatPlain(value: Value): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" && Number.isInteger(value) && value > 0 && value < 1e6) return String(value);
  return formatValue(value, "v", noFlags);
}

/** Writes a value by a verb, or says that the verb does not fit it, as fmt does. */
export function formatValue(value: Value, verb: string, flags: Flags): string {
  switch (typeof value) {
    case "string":
      return formatString(value, verb, flags);
    case "number":
      return formatFloating(value, verb, flags);
    case "bigint":
      return formatInteger(value, verb, flags, value);
    case "boolean":
      return verb === "v" || verb === "t" ? pad(String(value), flags) : badVerb(value, verb, flags);
    default:
      if (value === undefined || value === null)
        return verb === "v" ? pad("<nil>", flags) : badVerb(value, verb, flags);
      if (value instanceof Byte) return formatInteger(BigInt(value.value), verb, flags, value);
      return formatContainer(value, verb, flags);
  }
}

/** `%!d(string=abc)` */
export function badVerb(value: Value, verb: string, flags: Flags): string {
  const what = value === undefined || value === null ? "" : `${typeOf(value)}=`;
  return `%!${verb}(${what}${what === "" ? "<nil>" : formatValue(value, "v", flags)})`;
}

function formatContainer(value: Value, verb: string, flags: Flags): string {
  if (verb === "w") return badVerb(value, verb, flags);
  const nested = (each: Value): string => {
    if (each !== undefined && each !== null) return formatValue(each, verb, flags);
    return flags.goSyntax ? "interface {}(nil)" : "<nil>";
  };
  const { goSyntax } = flags;
  const separator = goSyntax ? ", " : " ";
  if (isList(value)) {
    const items = value.map(nested).join(separator);
    return goSyntax ? `${typeOf(value)}{${items}}` : `[${items}]`;
  }
  const entries = entriesOf(value)!;
  const items = sortedKeys(entries)
    .map((key) => `${formatString(key, verb, flags)}:${nested(entries[key] as Value)}`)
    .join(separator);
  return goSyntax ? `${typeOf(value)}{${items}}` : `map[${items}]`;
}

/** In the order of bytes, as Go has it. */
export function sortedKeys(entries: object): string[] {
  const keys = Object.keys(entries);
  // UTF-16 has another order only above U+D7FF.
  if (keys.some((key) => /[\ud800-\uffff]/.test(key)))
    return keys.sort((a, b) => Buffer.compare(textToBytes(a), textToBytes(b)));
  return keys.sort();
}

function formatString(text: string, verb: string, flags: Flags): string {
  switch (verb) {
    case "v":
      return flags.goSyntax ? pad(quote(cut(text, flags)), flags) : pad(cut(text, flags), flags);
    case "s":
      return pad(cut(text, flags), flags);
    case "q": {
      const kept = cut(text, flags);
      return pad(flags.sharp && canBackquote(kept) ? `\`${kept}\`` : quote(kept, flags.plus), flags);
    }
    case "x":
    case "X":
      return hexOfBytes(text, verb, flags);
    default:
      return badVerb(text, verb, flags);
  }
}

/** The precision of a string's verb is its most characters. */
const cut = (text: string, { precision }: Flags): string =>
  precision === undefined || text.length <= precision ? text : runes(text).slice(0, precision).join("");

function hexOfBytes(text: string, verb: "x" | "X", flags: Flags): string {
  const bytes = textToBytes(text).subarray(0, flags.precision);
  const prefix = flags.sharp && bytes.length > 0 ? "0x" : "";
  const pairs = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  const hex = flags.space ? pairs.map((pair) => prefix + pair).join(" ") : prefix + pairs.join("");
  return pad(verb === "X" ? hex.toUpperCase() : hex, flags);
}

function formatFloating(value: number, verb: string, flags: Flags): string {
  if (!/^[vbgGxXfFeE]$/.test(verb)) return badVerb(value, verb, flags);
  const format = (verb === "v" ? "g" : verb === "F" ? "f" : verb) as FloatFormat;
  const usual = /[feE]/.test(format) ? 6 : -1;
  const precision = flags.precision ?? usual;
  let text = formatFloat(value, format, precision);
  if (!/^[+-]/.test(text)) text = `+${text}`;
  if (flags.space && text.startsWith("+") && !flags.plus) text = ` ${text.slice(1)}`;
  if (!Number.isFinite(value)) {
    if (Number.isNaN(value) && !flags.space && !flags.plus) text = "NaN";
    else if (text.startsWith("+") && !flags.plus) text = text.slice(1);
    return pad(Number.isNaN(value) ? text : infinity(value, flags), { ...flags, zero: false });
  }
  if (flags.sharp && format !== "b") text = withPoint(text, format, precision);
  if (text.startsWith("+") && !flags.plus) return pad(text.slice(1), flags);
  const missing = (flags.width ?? 0) - text.length;
  if (flags.zero && !flags.minus && missing > 0) return text[0] + "0".repeat(missing) + text.slice(1);
  return pad(text, flags);
}

const infinity = (value: number, flags: Flags): string =>
  value < 0 ? "-Inf" : flags.space && !flags.plus ? " Inf" : "+Inf";

/** The # flag: always a point, and for %g the zeros that it would drop. */
function withPoint(text: string, format: FloatFormat, precision: number): string {
  const hex = format === "x" || format === "X";
  const [, head, tail] = (hex ? /^([^pP]*)(.*)$/ : /^([^eE]*)(.*)$/).exec(text) as unknown as [
    string,
    string,
    string,
  ];
  let missing = 0;
  if (/^[gGx]$/.test(format)) {
    const significant = head.slice(1).replace(".", "").replace(/^0+/, "").length;
    missing = (precision === -1 ? 6 : precision) - significant;
  }
  if (head.includes(".")) return head + "0".repeat(Math.max(missing, 0)) + tail;
  if (head.length === 2 && head[1] === "0") missing--;
  return `${head}.${"0".repeat(Math.max(missing, 0))}${tail}`;
}

const radixes: Record<string, number> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };

function formatInteger(value: bigint, verb: string, flags: Flags, original: Value): string {
  if (verb === "c" || verb === "q" || verb === "U") return formatCharacter(value, verb, flags);
  const unsignedSyntax = verb === "v" && flags.goSyntax && original instanceof Byte; // %#v of a byte: 0x61
  const radix = unsignedSyntax ? 16 : radixes[verb];
  if (radix === undefined) return badVerb(original, verb, flags);
  if (flags.precision === 0 && value === 0n) return " ".repeat(flags.width ?? 0);
  const sign = value < 0n ? "-" : flags.plus ? "+" : flags.space ? " " : "";
  let digits = (value < 0n ? -value : value).toString(radix);
  const zeroPads = flags.precision === undefined && flags.zero && !flags.minus;
  digits = digits.padStart(flags.precision ?? (zeroPads ? (flags.width ?? 0) - sign.length : 0), "0");
  if (flags.sharp || unsignedSyntax) {
    if (radix === 2) digits = `0b${digits}`;
    if (radix === 8 && !digits.startsWith("0")) digits = `0${digits}`;
    if (radix === 16) digits = `0x${digits}`;
  }
  if (verb === "O") digits = `0o${digits}`;
  return pad(sign + (verb === "X" ? digits.toUpperCase() : digits), { ...flags, zero: false });
}

function formatCharacter(value: bigint, verb: "c" | "q" | "U", flags: Flags): string {
  const unsigned = BigInt.asUintN(64, value);
  const valid = unsigned <= 0x10ffffn && !(unsigned >= 0xd800n && unsigned <= 0xdfffn);
  const rune = valid ? String.fromCodePoint(Number(unsigned)) : "\ufffd";
  if (verb === "c") return pad(rune, flags);
  if (verb === "q") return pad(`'${quoteRune(rune, "'", flags.plus)}'`, flags);
  const code = unsigned
    .toString(16)
    .toUpperCase()
    .padStart(Math.max(flags.precision ?? 0, 4), "0");
  const shown = flags.sharp && valid && isPrintable(rune) ? ` '${rune}'` : "";
  return pad(`U+${code}${shown}`, { ...flags, zero: false });
}

/** To the width, in characters; a 0 flag fills with zeros, text too. */
export function pad(text: string, { width, minus, zero }: Flags): string {
  if (!width) return text;
  const missing = width - runes(text).length;
  if (missing <= 0) return text;
  return minus ? text + " ".repeat(missing) : (zero ? "0" : " ").repeat(missing) + text;
}
