import type { Spend } from "./budget.js";
import { byteLength, bytesToText, textToBytes } from "./byte-text.js";
import { equalsAny, isLess } from "./compare.js";
import { html, js, urlquery } from "./escape.js";
import { sprint, sprintln } from "./format.js";
import { sprintf } from "./printf.js";
import { Byte, entriesOf, isList, isTrue, StringMap, typeOf, type Value } from "./values.js";

/** A function that templates know (text/template, "Functions"). What it throws is told at the place of the call. */
export interface TemplateFunction {
  /** Fewest arguments. */
  least: number;
  /** Most arguments. @default any number */
  most?: number;
  /** The first argument is text, not anything. */
  takesText?: true;
  run(values: readonly Value[], spend: Spend): Value;
}

/** and, or: the executor does not even look at the arguments after the one that decides. */
export const shortCircuit = new Set(["and", "or"]);

const any = (run: TemplateFunction["run"], least = 0): TemplateFunction => ({ least, run });
const exactly = (count: number, run: TemplateFunction["run"]): TemplateFunction => ({
  least: count,
  most: count,
  run,
});

export const functions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ["and", any((values) => values.at(-1), 1)],
  ["or", any((values) => values.at(-1), 1)],
  ["not", exactly(1, ([value]) => !isTrue(value))],
  ["eq", any(([first, ...others], spend) => equalsAny(spent(first, spend), others), 1)],
  ["ne", exactly(2, ([a, b], spend) => !equalsAny(spent(a, spend), [b]))],
  ["lt", exactly(2, ([a, b], spend) => isLess(spent(a, spend), b))],
  ["le", exactly(2, ([a, b], spend) => isLess(spent(a, spend), b) || equalsAny(a, [b]))],
  ["gt", exactly(2, ([a, b], spend) => !(isLess(spent(a, spend), b) || equalsAny(a, [b])))],
  ["ge", exactly(2, ([a, b], spend) => !isLess(spent(a, spend), b))],
  ["print", any(sprint)],
  ["println", any(sprintln)],
  [
    "printf",
    {
      least: 1,
      takesText: true,
      run: ([format, ...values], spend) => sprintf(spent(format, spend) as string, values, spend),
    },
  ],
  ["html", any(html)],
  ["js", any(js)],
  ["urlquery", any(urlquery)],
  ["len", exactly(1, ([value], spend) => BigInt(lengthOf(spent(value, spend))))],
  ["index", any(([value, ...keys], spend) => itemAt(value, keys, spend), 1)],
  ["slice", any(([value, ...bounds], spend) => slice(spent(value, spend), bounds), 1)],
  ["call", any(([value]) => fail(`a ${typeOf(value)} is no function: there are none in data`), 1)],
]);

export const functionNames: ReadonlySet<string> = new Set(functions.keys());

function spent(value: Value, spend: Spend): Value {
  if (typeof value === "string") spend(value.length);
  return value;
}

function lengthOf(value: Value): number {
  if (typeof value === "string") return byteLength(value);
  if (isList(value)) return value.length;
  const entries = entriesOf(value);
  return entries ? Object.keys(entries).length : fail(`a ${typeOf(value)} has no length`);
}

/** `index value key key …` */
function itemAt(value: Value, keys: readonly Value[], spend: Spend): Value {
  if (value === undefined || value === null) return fail("index of nil");
  return keys.reduce((at, key) => item(spent(at, spend), key), value);
}

function item(value: Value, key: Value): Value {
  if (typeof value === "string") {
    const bytes = textToBytes(value);
    return new Byte(bytes[position(key, bytes.length - 1)]!);
  }
  if (isList(value)) return value[position(key, value.length - 1)];
  const entries = entriesOf(value);
  if (!entries)
    return fail(value === undefined || value === null ? "index of nil" : `a ${typeOf(value)} has no index`);
  if (typeof key !== "string") return fail(`the keys of a map are strings, not ${typeOf(key)}`);
  if (Object.hasOwn(entries, key)) return entries[key] as Value;
  return value instanceof StringMap ? "" : undefined;
}

/** `slice value [from [to [most]]]` */
function slice(value: Value, bounds: readonly Value[]): Value {
  if (bounds.length > 3) fail(`too many slice indexes: ${bounds.length}`);
  if (typeof value === "string") {
    if (bounds.length === 3) fail("a string is sliced with two indexes at most");
    const bytes = textToBytes(value);
    return bytesToText(bytes.subarray(...range(bounds, bytes.length)));
  }
  if (isList(value)) return value.slice(...range(bounds, value.length));
  return fail(value === undefined || value === null ? "slice of nil" : `a ${typeOf(value)} cannot be sliced`);
}

function range(bounds: readonly Value[], length: number): [number, number] {
  const [from = 0, to = length, most = length] = bounds.map((bound) => position(bound, length));
  if (from > to || to > most)
    fail(`invalid slice indexes: ${[from, to, most].slice(0, Math.max(2, bounds.length)).join(" > ")}`);
  return [from, to];
}

function position(index: Value, most: number): number {
  const number = index instanceof Byte ? index.value : index;
  if (typeof number !== "bigint" && !(index instanceof Byte)) {
    const hint = typeof number === "number" ? "; numbers of JSON are floats, which index nothing" : "";
    return fail(`an index is an int, not ${typeOf(index)}${hint}`);
  }
  const at = Number(number);
  return at < 0 || at > most ? fail(`index out of range: ${at}`) : at;
}

function fail(message: string): never {
  throw new Error(message);
}
