import { entryKey } from "../duplicates.js";
import type { Problem } from "../problem.js";
import { type Added, originOfAdded } from "./layer.js";
import { snakeKey } from "./shape.js";
import type { YamlSource } from "./yaml-source.js";

/** The YAML's own fields that give a field of the Ignition config. */
const alternatives: Record<string, readonly string[]> = {
  source: ["inline", "local"],
  contents: ["contents_local"],
  ssh_authorized_keys: ["ssh_authorized_keys_local"],
};

export interface Translation {
  /** The Ignition config. */
  result: unknown;
  /** The same before anything was added to it: its lists are the YAML's. */
  own: unknown;
  added: Added[];
  source: YamlSource;
}

/** Where in the YAML a place of the Ignition config comes from. */
export function originOf(
  path: Problem["path"],
  { result, own, added, source }: Translation,
): Problem["path"] {
  const origin: Problem["path"] = [];
  let [at, ours]: unknown[] = [result, own];
  for (const [i, step] of path.entries()) {
    if (typeof step === "string") {
      origin.push(yamlKey(origin, snakeKey(step), source));
      at = childOf(at, step);
      ours = childOf(ours, step);
      continue;
    }
    const list = at as unknown[];
    const index = ownIndex(String(path[i - 1]), list, step, Array.isArray(ours) ? ours : []);
    if (index === undefined) return originOfAdded(added, path.slice(0, i), list[step]) ?? origin;
    origin.push(index);
    at = list[step];
    ours = (ours as unknown[])[index];
  }
  return origin;
}

const childOf = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;

function yamlKey(above: Problem["path"], key: string, source: YamlSource): string {
  const candidates = [key, ...(alternatives[key] ?? [])];
  return candidates.find((candidate) => source.has([...above, candidate])) ?? key;
}

/** Which entry of the author's list became this one: the one with its identity, of several in order. */
function ownIndex(name: string, list: unknown[], index: number, ours: unknown[]): number | undefined {
  const key = entryKey(name, list[index]);
  if (key === undefined) {
    const before = list.length - ours.length; // what was added comes first
    return index >= before ? index - before : undefined;
  }
  const earlier = list.slice(0, index).filter((entry) => entryKey(name, entry) === key).length;
  const same = [...ours.keys()].filter((i) => entryKey(name, ours[i]) === key);
  return same[earlier] ?? same[0];
}
