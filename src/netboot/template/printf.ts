import type { Spend } from "./budget.js";
import { normalText } from "./byte-text.js";
import { badVerb, type Flags, formatPlain, formatValue, noFlags, pad } from "./format.js";
import { Byte, typeOf, type Value } from "./values.js";

/** Go refuses wider fields. */
const maxWidth = 1_000_000;

/** Go's fmt.Sprintf, its way of saying what does not fit included. */
export function sprintf(format: string, values: readonly Value[], spend: Spend): string {
  return normalText(new Printer(format, values, spend).run());
}

class Printer {
  readonly #format: string;
  readonly #values: readonly Value[];
  readonly #spend: Spend;
  #at = 0;
  /** The next value to print. */
  #next = 0;
  /** Some verb named its value: `%[2]d`. */
  #reordered = false;
  #goodIndex = true;
  #afterIndex = false;

  constructor(format: string, values: readonly Value[], spend: Spend) {
    this.#format = format;
    this.#values = values;
    this.#spend = spend;
  }

  run(): string {
    let text = "";
    for (;;) {
      const percent = this.#format.indexOf("%", this.#at);
      text += this.#format.slice(this.#at, percent === -1 ? undefined : percent);
      if (percent === -1) break;
      this.#at = percent + 1;
      text += this.#verb();
    }
    return text + this.#extra();
  }

  #verb(): string {
    const flags = this.#flags();
    this.#goodIndex = true;
    this.#afterIndex = false;
    const complaints = this.#size(flags);
    if (this.#at >= this.#format.length) return `${complaints}%!(NOVERB)`;
    const verb = String.fromCodePoint(this.#format.codePointAt(this.#at)!);
    this.#at += verb.length;
    return complaints + this.#print(verb, flags);
  }

  #flags(): Flags {
    const flags: Flags = { ...noFlags };
    for (; ; this.#at++) {
      switch (this.#format[this.#at]) {
        case "#":
          flags.sharp = true;
          break;
        case "0":
          flags.zero = true;
          break;
        case "+":
          flags.plus = true;
          break;
        case "-":
          flags.minus = true;
          break;
        case " ":
          flags.space = true;
          break;
        default:
          return flags;
      }
    }
  }

  /** Width and precision: digits, or * for the next value. */
  #size(flags: Flags): string {
    let complaints = "";
    this.#index();
    if (this.#format[this.#at] === "*") {
      this.#at++;
      const width = this.#sizeFromValue();
      if (width === undefined) complaints += "%!(BADWIDTH)";
      else if (width < 0) Object.assign(flags, { minus: true, zero: false, width: -width });
      else flags.width = width;
      this.#afterIndex = false;
    } else {
      flags.width = this.#number();
      if (this.#afterIndex && flags.width !== undefined) this.#goodIndex = false;
    }
    if (this.#format[this.#at] === "." && this.#at + 1 < this.#format.length) {
      this.#at++;
      if (this.#afterIndex) this.#goodIndex = false;
      this.#index();
      if (this.#format[this.#at] === "*") {
        this.#at++;
        const precision = this.#sizeFromValue();
        if (precision === undefined || precision < 0) complaints += "%!(BADPREC)";
        else flags.precision = precision;
        this.#afterIndex = false;
      } else flags.precision = this.#number() ?? 0;
    }
    if (!this.#afterIndex) this.#index();
    this.#spend((flags.width ?? 0) + (flags.precision ?? 0));
    return complaints;
  }

  #number(): number | undefined {
    const digits = /^\d+/.exec(this.#format.slice(this.#at, this.#at + 20))?.[0];
    if (digits === undefined) return undefined;
    // Go looks at the number before each further digit.
    if (Number(digits.slice(0, -1)) > maxWidth) {
      this.#at = this.#format.length;
      return undefined;
    }
    this.#at += digits.length;
    return Number(digits);
  }

  /** `[3]`: the third value is next. */
  #index(): void {
    this.#afterIndex = false;
    if (this.#format[this.#at] !== "[") return;
    this.#reordered = true;
    const rest = this.#format.slice(this.#at, this.#at + 30);
    const close = rest.length < 3 ? -1 : rest.indexOf("]");
    const digits = close === -1 ? "" : rest.slice(1, close);
    const number = /^\d+$/.test(digits) && Number(digits) <= 10 * maxWidth ? Number(digits) : undefined;
    this.#at += close === -1 ? 1 : close + 1;
    if (number !== undefined && number >= 1 && number <= this.#values.length) {
      this.#next = number - 1;
      this.#afterIndex = true;
      return;
    }
    this.#goodIndex = false;
    this.#afterIndex = number !== undefined;
  }

  #sizeFromValue(): number | undefined {
    if (this.#next >= this.#values.length) return undefined;
    const value = this.#values[this.#next++];
    const size = typeof value === "bigint" ? Number(value) : value instanceof Byte ? value.value : undefined;
    return size !== undefined && Math.abs(size) <= maxWidth ? size : undefined;
  }

  #print(verb: string, flags: Flags): string {
    if (verb === "%") return "%";
    if (!this.#goodIndex) return `%!${verb}(BADINDEX)`;
    if (this.#next >= this.#values.length) return `%!${verb}(MISSING)`;
    const value = this.#values[this.#next++];
    if (verb === "T") {
      const name = typeOf(value);
      return value === undefined || value === null ? pad(name, flags) : formatValue(name, "s", flags);
    }
    if (verb === "p" && typeof value === "object" && value !== null && !(value instanceof Byte))
      throw new Error("%p would print an address in memory: print the value with %v");
    if (verb === "v" || verb === "w") {
      flags.goSyntax = flags.sharp;
      flags.sharp = false;
      flags.plus = false;
    }
    return verb === "p" ? badVerb(value, verb, flags) : formatValue(value, verb, flags);
  }

  #extra(): string {
    if (this.#reordered || this.#next >= this.#values.length) return "";
    const rest = this.#values
      .slice(this.#next)
      .map((value) =>
        value === undefined || value === null ? "<nil>" : `${typeOf(value)}=${formatPlain(value)}`,
      );
    return `%!(EXTRA ${rest.join(", ")})`;
  }
}
