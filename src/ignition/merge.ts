import type { IgnitionConfig } from "./config.js";
import { entryKey, keySpaces } from "./duplicates.js";
import { withoutEmpty } from "./without-empty.js";

type Fields = Record<string, unknown>;

/**
 * Puts a child config over its parent as Ignition does (config/merge): what the child says wins, objects are merged, entries
 * of lists with the same key are merged, other entries are kept, the parent's first. A path that the child makes a link is no
 * longer the parent's file.
 */
export function mergeIgnition(parent: IgnitionConfig, child: IgnitionConfig): IgnitionConfig {
  return mergeFields({ ...parent }, { ...child }) as unknown as IgnitionConfig;
}

/** Merges configs of any specs 3.x, the first parent first; the result is of the newest of their specs. */
export function mergeConfigs(configs: IgnitionConfig[]): IgnitionConfig {
  const versions = configs.map(({ ignition }) => ignition.version).sort(); // 3.0.0 to 3.5.0: as text is as by number
  const merged = configs.reduce(mergeIgnition);
  return withoutEmpty({
    ...merged,
    ignition: { ...merged.ignition, version: versions.at(-1) },
  }) as IgnitionConfig;
}

function mergeFields(parent: Fields, child: Fields): Fields {
  const merged: Fields = {};
  for (const name of new Set([...Object.keys(parent), ...Object.keys(child)])) {
    const [theirs, ours] = [parent[name], child[name]];
    if (Array.isArray(theirs) || Array.isArray(ours)) {
      merged[name] = mergeLists(name, (theirs ?? []) as unknown[], (ours ?? []) as unknown[], child);
    } else if (isFields(theirs) && isFields(ours)) {
      merged[name] = mergeFields(theirs, ours);
    } else {
      merged[name] = ours ?? theirs;
    }
  }
  return merged;
}

function mergeLists(name: string, parent: unknown[], child: unknown[], childFields: Fields): unknown[] {
  if ([...parent, ...child].every((entry) => entryKey(name, entry) === undefined))
    return [...parent, ...child];
  const byKey = new Map(child.map((entry) => [entryKey(name, entry), entry]));
  const elsewhere = keysOfSiblings(name, childFields);
  const merged: unknown[] = [];
  const parentKeys = new Set<string | undefined>();
  for (const entry of parent) {
    const key = entryKey(name, entry);
    parentKeys.add(key);
    const override = byKey.get(key);
    if (override === undefined) {
      if (!elsewhere.has(key)) merged.push(entry);
    } else if (!isFields(entry) || !isFields(override)) {
      merged.push(override);
    } else if (name !== "httpHeaders" || override.value !== undefined) {
      merged.push(mergeFields(entry, override)); // a header without a value takes the parent's away
    }
  }
  return [...merged, ...child.filter((entry) => !parentKeys.has(entryKey(name, entry)))];
}

/** The keys of the child's other lists in the same key space. */
function keysOfSiblings(name: string, child: Fields): Set<string | undefined> {
  const space = keySpaces[name];
  const siblings = Object.keys(child).filter(
    (other) => space && other !== name && keySpaces[other] === space,
  );
  return new Set(
    siblings.flatMap((other) => (child[other] as unknown[]).map((entry) => entryKey(other, entry))),
  );
}

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
