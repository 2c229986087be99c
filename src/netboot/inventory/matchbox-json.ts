import type { BootProfile, Group, JsonValue, Labels } from "./types.js";

/** A group as matchbox writes its file: tabs, keys in Go's order, nothing that is empty. */
export const groupJson = ({ id, name, profile, selector, metadata }: Omit<Group, "place">): string =>
  tabbed({
    id,
    name: filled(name),
    profile,
    selector: sortedMap(selector),
    metadata: sortedMap(metadata),
  });

/** A boot profile as matchbox writes its file. */
export const profileJson = ({
  id,
  name,
  ignitionId,
  cloudId,
  genericId,
  boot,
}: Omit<BootProfile, "place">): string =>
  tabbed({
    id,
    name: filled(name),
    ignition_id: filled(ignitionId),
    cloud_id: filled(cloudId),
    boot: { kernel: filled(boot.kernel), initrd: filled(boot.initrd), args: filled(boot.args) },
    generic_id: filled(genericId),
  });

const tabbed = (value: unknown): string => JSON.stringify(value, null, "\t");

/** JSON leaves out what is undefined, as Go's omitempty what is empty. */
const filled = <T extends string | readonly string[]>(value: T | undefined): T | undefined =>
  value === undefined || value.length === 0 ? undefined : value;

/** Go writes the keys of a map in order; undefined when there are none. */
function sortedMap(map: Labels | Record<string, JsonValue>): Record<string, JsonValue> | undefined {
  const entries = Object.entries(map).map(([key, value]): [string, JsonValue] => [key, sorted(value)]);
  if (entries.length === 0) return undefined;
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  return typeof value === "object" && value !== null ? (sortedMap(value) ?? {}) : value;
}
