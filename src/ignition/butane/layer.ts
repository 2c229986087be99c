import type { IgnitionConfig } from "../config.js";
import { entryKey } from "../duplicates.js";
import { mergeIgnition } from "../merge.js";
import type { Problem } from "../problem.js";
import type { Fields } from "./decoded.js";

/** An entry of a list that the config's author did not write, but something that stands for it. */
export interface Added {
  /** `storage.filesystems` */
  list: readonly [section: string, name: string];
  entry: Fields;
  /** What it came from, in the YAML. */
  from: Problem["path"];
}

/** Puts the config over what was added to it: the author's own words win. */
export function underneath(added: Added[], config: IgnitionConfig): IgnitionConfig {
  if (added.length === 0) return config;
  const parent: Record<string, Record<string, Fields[]>> = {};
  for (const {
    list: [section, name],
    entry,
  } of added) {
    const lists = parent[section] ?? {};
    parent[section] = { ...lists, [name]: [...(lists[name] ?? []), entry] };
  }
  return mergeIgnition({ ...parent, ignition: {} } as unknown as IgnitionConfig, config);
}

/** Where an added entry of the same identity came from. */
export function originOfAdded(
  added: Added[],
  path: Problem["path"],
  entry: unknown,
): Problem["path"] | undefined {
  const name = String(path.at(-1));
  const key = entryKey(name, entry);
  return added.find(({ list, entry: other }) => list.join() === path.join() && entryKey(name, other) === key)
    ?.from;
}
