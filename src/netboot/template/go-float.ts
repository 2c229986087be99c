/**
 * Floating point numbers as Go's strconv.FormatFloat writes them. Exact: ties round to even, where JavaScript's toFixed and
 * toPrecision round up.
 */
export type FloatFormat = "e" | "E" | "f" | "g" | "G" | "x" | "X" | "b";

/** No double has more digits after the point than this; zeros follow. */
const maxFraction = 1074;

/** @param precision -1: the fewest digits that give the number back. */
export function formatFloat(value: number, format: FloatFormat, precision: number): string {
  if (Number.isNaN(value)) return "NaN";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const size = Math.abs(value);
  if (size === Number.POSITIVE_INFINITY) return sign === "" ? "+Inf" : "-Inf";
  const upper = format === "E" || format === "G" || format === "X";
  const text = formatSize(size, format.toLowerCase() as "e" | "f" | "g" | "x" | "b", precision);
  return sign + (upper ? text.toUpperCase() : text);
}

function formatSize(size: number, format: "e" | "f" | "g" | "x" | "b", precision: number): string {
  switch (format) {
    case "b": {
      const { mantissa, exponent } = binary(size);
      return `${mantissa}p${signed(exponent, 1)}`;
    }
    case "x":
      return hexadecimal(size, precision);
    case "f":
      return precision < 0 ? plain(shortest(size), -1) : fixed(size, precision);
    case "e":
      return exponential(precision < 0 ? shortest(size) : rounded(size, precision + 1), precision);
    case "g": {
      const wanted = precision === 0 ? 1 : precision;
      const digits = precision < 0 ? shortest(size) : rounded(size, wanted);
      digits.text = digits.text.replace(/0+$/, "") || "0";
      const count = digits.text === "0" ? 0 : digits.text.length;
      let limit = wanted;
      if (limit > count && count >= digits.exponent + 1) limit = count;
      if (precision < 0) limit = 6;
      const exponent = size === 0 ? -1 : digits.exponent;
      return exponent < -4 || exponent >= limit ? exponential(digits, -1) : plain(digits, -1);
    }
  }
}

/** `d.ddd × 10^exponent` */
interface Digits {
  text: string;
  exponent: number;
}

function shortest(size: number): Digits {
  const [mantissa, exponent] = size.toExponential().split("e") as [string, string];
  return { text: mantissa.replace(".", ""), exponent: Number(exponent) };
}

/** So many significant digits. */
function rounded(size: number, count: number): Digits {
  if (size === 0) return { text: "0".repeat(count), exponent: 0 };
  const { text: few, exponent: near } = shortest(size);
  // 1e-12 is a bit less than that.
  let exponent = few === "1" ? near - 1 : near;
  const exact = Math.min(count, maxFraction);
  for (;;) {
    const text = scaled(size, exact - 1 - exponent).toString();
    if (text.length === exact) return { text: text.padEnd(count, "0"), exponent };
    exponent += text.length > exact ? 1 : -1;
  }
}

function fixed(size: number, precision: number): string {
  const exact = Math.min(precision, maxFraction);
  const digits = scaled(size, exact)
    .toString()
    .padStart(exact + 1, "0");
  const fraction = digits.slice(digits.length - exact).padEnd(precision, "0");
  const whole = exact === 0 ? digits : digits.slice(0, -exact);
  return precision === 0 ? whole : `${whole}.${fraction}`;
}

function exponential({ text, exponent }: Digits, precision: number): string {
  const fraction = precision < 0 ? text.slice(1) : text.slice(1).padEnd(precision, "0");
  return `${text[0]}${fraction === "" ? "" : `.${fraction}`}e${signed(exponent, 2)}`;
}

function plain({ text, exponent }: Digits, precision: number): string {
  const whole = exponent < 0 ? "0" : text.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const fraction = (exponent < 0 ? "0".repeat(-exponent - 1) + text : text.slice(exponent + 1)).padEnd(
    precision,
    "0",
  );
  return fraction === "" || /^0*$/.test(text) ? whole : `${whole}.${fraction}`;
}

const signed = (exponent: number, digits: number): string =>
  `${exponent < 0 ? "-" : "+"}${Math.abs(exponent).toString().padStart(digits, "0")}`;

/** size = mantissa × 2^exponent (IEEE 754 binary64). */
function binary(size: number): { mantissa: bigint; exponent: number } {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, size);
  const raw = bits.getBigUint64(0);
  const biased = Number((raw >> 52n) & 0x7ffn);
  const fraction = raw & 0xfffffffffffffn;
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: biased - 1075 };
}

/** size × 10^power, rounded to the nearest integer, ties to even. */
function scaled(size: number, power: number): bigint {
  const { mantissa, exponent } = binary(size);
  let numerator = mantissa;
  let denominator = 1n;
  if (exponent > 0) numerator <<= BigInt(exponent);
  else denominator <<= BigInt(-exponent);
  if (power > 0) numerator *= 10n ** BigInt(power);
  else denominator *= 10n ** BigInt(-power);
  return roundedQuotient(numerator, denominator);
}

function roundedQuotient(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  return twice > denominator || (twice === denominator && quotient % 2n === 1n) ? quotient + 1n : quotient;
}

/** `0x1.8p+01` */
function hexadecimal(size: number, precision: number): string {
  let { mantissa, exponent } = binary(size);
  if (mantissa === 0n) return `0x0${precision > 0 ? `.${"0".repeat(precision)}` : ""}p+00`;
  while (mantissa < 1n << 52n) {
    mantissa <<= 1n;
    exponent--;
  }
  if (precision >= 0 && precision < 13) {
    const dropped = BigInt(4 * (13 - precision));
    mantissa = roundedQuotient(mantissa, 1n << dropped) << dropped;
    if (mantissa === 1n << 53n) {
      mantissa >>= 1n;
      exponent++;
    }
  }
  const all = (mantissa & 0xfffffffffffffn).toString(16).padStart(13, "0");
  const fraction = precision < 0 ? all.replace(/0+$/, "") : all.slice(0, precision).padEnd(precision, "0");
  return `0x1${fraction === "" ? "" : `.${fraction}`}p${signed(exponent + 52, 2)}`;
}
