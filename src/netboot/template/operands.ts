import { fail } from "./failure.js";
import { formatPlain } from "./format.js";
import type { Operand } from "./tree.js";
import { entriesOf, typeOf, type Value } from "./values.js";

/** Follows fields down from a value. */
export function walk(value: Value, path: readonly string[], offset: number): Value {
  let at = value;
  for (const name of path) {
    const entries = entriesOf(at);
    if (entries && Object.hasOwn(entries, name)) at = entries[name] as Value;
    else if (entries) fail(offset, `the map has no entry for key "${name}"`);
    else if (at === undefined || at === null) fail(offset, `nil has no entry for key "${name}"`);
    else fail(offset, `cannot take field ${name} of a ${typeOf(at)}`);
  }
  return at;
}

/** An operand as it was written, about. */
export function describe(operand: Operand): string {
  switch (operand.kind) {
    case "field":
      return `.${operand.path.join(".")}`;
    case "variable":
      return [operand.name, ...operand.path].join(".");
    case "dot":
      return ".";
    case "constant":
      return typeof operand.value === "string" ? JSON.stringify(operand.value) : formatPlain(operand.value);
    default:
      return "a parenthesized pipeline";
  }
}
