import type { Report } from "./problem.js";

/**
 * What identifies an entry of a list in an Ignition config: two entries with the same key are duplicates in one config,
 * and are merged across configs (Ignition's `Key()` methods). Undefined: the list's entries have no identity.
 */
export function entryKey(list: string, entry: unknown): string | undefined {
  if (listsWithoutIdentity.has(list)) return undefined;
  if (typeof entry !== "object" || entry === null) return String(entry);
  const fields = entry as Record<string, unknown>;
  if (list === "partitions") return partitionKey(fields);
  return String(fields[keyFields[list] ?? "name"] ?? "");
}

/** Their order or repetition means something. */
const listsWithoutIdentity = new Set(["append", "options", "mountOptions"]);

const keyFields: Record<string, string> = {
  files: "path",
  directories: "path",
  links: "path",
  disks: "device",
  filesystems: "device",
  merge: "source",
  certificateAuthorities: "source",
  tang: "url",
};

const partitionKey = ({ number, label }: Record<string, unknown>): string =>
  number ? `number:${number}` : label === undefined ? "" : `label:${label}`;

/** Lists that share one space of keys: a path is a file, a directory or a link, not two of them. */
export const keySpaces: Record<string, string> = {
  files: "node",
  directories: "node",
  links: "node",
  shouldExist: "kernel argument",
  shouldNotExist: "kernel argument",
};

/** Reports every entry that repeats another one's key, anywhere in a config. */
export function checkDuplicates(value: unknown, report: Report): void {
  if (Array.isArray(value)) {
    for (const [i, entry] of value.entries()) checkDuplicates(entry, report.at(i));
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const seen = new Set<string>();
  for (const [name, child] of Object.entries(value)) {
    checkDuplicates(child, report.at(name));
    if (!Array.isArray(child)) continue;
    for (const [i, entry] of child.entries()) {
      const key = entryKey(name, entry);
      const place = `${keySpaces[name] ?? name}\0${key}`;
      if (key !== undefined && seen.has(place)) report.at(name, i).error(`a second entry for "${key}"`);
      seen.add(place);
    }
  }
}
