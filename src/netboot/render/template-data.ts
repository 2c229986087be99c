import type { Group, JsonValue, Labels } from "../inventory/types.js";
import { bytesToText } from "../template/byte-text.js";
import { StringMap, type ValueMap } from "../template/values.js";

/** What the machine said: its labels, and the query that they came in. */
export interface RequestData {
  labels: Labels;
  /** What followed the `?`, one character for each byte. */
  rawQuery: string;
}

/**
 * What a template sees, as matchbox puts it together: the group's metadata, over it the group's selector with keys in lower
 * case, over both `request.query.<label>` and `request.raw_query`.
 */
export function templateData(group: Group, { labels, rawQuery }: RequestData): ValueMap {
  return Object.assign(Object.create(null), groupData(group), {
    request: { query: new StringMap(labels), raw_query: bytesToText(Buffer.from(rawQuery, "latin1")) },
  });
}

const known = new WeakMap<Group, ValueMap>();

function groupData(group: Group): ValueMap {
  const made = known.get(group);
  if (made) return made;
  const data = Object.create(null) as Record<string, JsonValue>;
  Object.assign(data, wellFormed(group.metadata));
  // Two keys that differ in case only: matchbox leaves open which wins, here the last in order does.
  for (const key of Object.keys(group.selector).sort()) data[lowerCase(key)] = group.selector[key]!;
  known.set(group, data);
  return data;
}

/** Half a surrogate pair becomes U+FFFD, as where Go reads JSON. */
function wellFormed(value: JsonValue): JsonValue {
  if (typeof value === "string") return value.replace(loneSurrogates, "\ufffd");
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.create(null) as Record<string, JsonValue>;
  for (const [key, each] of Object.entries(value))
    copy[key.replace(loneSurrogates, "\ufffd")] = wellFormed(each);
  return copy;
}

const loneSurrogates = /\p{Surrogate}/gu;

/** Go maps character by character. */
const lowerCase = (text: string): string =>
  Array.from(text, (each) => oneFor(each, each.toLowerCase())).join("");
export const upperCase = (text: string): string =>
  Array.from(text, (each) => oneFor(each, each.toUpperCase())).join("");

const oneFor = (character: string, mapped: string): string =>
  Array.from(mapped).length === 1 ? mapped : character;
