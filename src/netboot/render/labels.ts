import { parseMac } from "../../net/mac.js";
import type { Decide } from "../decision.js";
import type { Labels } from "../inventory/types.js";
import { bytesToText } from "../template/byte-text.js";

/**
 * What a machine says of itself in a request's query, as matchbox reads it: every parameter is a label, its first value counts,
 * keys keep their case. A `mac` (in any case) gets its usual spelling; one that is none is dropped, and told by `decide`.
 *
 * @param rawQuery what follows the `?`, as it came: one character for each byte
 */
export function labelsOf(rawQuery: string, decide?: Decide): Labels {
  const labels = Object.create(null) as Record<string, string>;
  const seen = new Set<string>();
  for (const [key, value] of parameters(rawQuery)) {
    if (seen.has(key)) continue;
    seen.add(key);
    if (key.toLowerCase() !== "mac") labels[key] = value;
    else {
      const mac = hardwareAddress(value);
      if (mac !== undefined) labels[key] = mac;
      else {
        decide?.({
          about: `label ${key}`,
          chosen: undefined,
          because: `${JSON.stringify(value)} is no MAC address: the label is dropped`,
          others: [],
        });
      }
    }
  }
  return labels;
}

/** Go's url.ParseQuery: a parameter that is not well-formed is left out. */
function* parameters(rawQuery: string): Generator<[string, string]> {
  for (const pair of rawQuery.split("&")) {
    if (pair === "" || pair.includes(";")) continue;
    const equals = pair.indexOf("=");
    const key = unescaped(equals === -1 ? pair : pair.slice(0, equals));
    const value = unescaped(equals === -1 ? "" : pair.slice(equals + 1));
    if (key !== undefined && value !== undefined) yield [key, value];
  }
}

/** Undefined: a % without its two digits. */
function unescaped(text: string): string | undefined {
  if (/^[\w.~:-]*$/.test(text)) return text;
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return undefined;
  const bytes = text
    .replaceAll("+", " ")
    .replace(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return bytesToText(Buffer.from(bytes, "latin1"));
}

/** Ethernet's six bytes, and the eight (EUI-64) and twenty (InfiniBand) that Go's net.ParseMAC knows too. */
function hardwareAddress(text: string): string | undefined {
  const longer = /^[0-9a-f]{2}(?:([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){6}(?:(?:\1[0-9a-f]{2}){12})?)$/i;
  const dotted = /^[0-9a-f]{4}(?:\.[0-9a-f]{4}){3}(?:(?:\.[0-9a-f]{4}){6})?$/i;
  if (longer.test(text) || dotted.test(text))
    return text.toLowerCase().replace(/[:.-]/g, "").match(/../g)!.join(":");
  try {
    return parseMac(text);
  } catch {
    return undefined;
  }
}
