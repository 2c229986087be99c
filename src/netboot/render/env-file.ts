import { formatPlain, sortedKeys } from "../template/format.js";
import { entriesOf, type Value, type ValueMap } from "../template/values.js";
import { upperCase } from "./template-data.js";

/**
 * Template data as `KEY=value` lines, as matchbox writes them: keys in upper case, those of nested maps behind their parents'
 * with `_`; lists and null are left out, nothing is quoted. Matchbox's order is random; ours is the keys'.
 */
export function envFile(data: ValueMap): string {
  return [...lines("", data)].join("");
}

function* lines(prefix: string, data: ValueMap): Generator<string> {
  for (const key of sortedKeys(data)) {
    const value = data[key] as Value;
    const entries = entriesOf(value);
    if (entries) yield* lines(`${prefix}${key}_`, entries);
    else if (typeof value !== "object" && value !== undefined)
      yield `${upperCase(prefix + key)}=${formatPlain(value)}\n`;
  }
}
