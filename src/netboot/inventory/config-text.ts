import { parseIgnition } from "../../ignition/parse.js";
import { pathText } from "../../spec/problems.js";
import type { InventoryProblem } from "./problem.js";
import type { ConfigText } from "./snapshot.js";
import type { Place } from "./types.js";

/** What the configurations of a boot profile are kept as: matchbox's directories. */
export const textKinds = ["ignition", "cloud", "generic"] as const;
export type TextKind = (typeof textKinds)[number];

/** Whether an Ignition config of that name is served as it is; all others are templates. Matchbox's rule. */
export const isRawIgnition = (name: string): boolean => /\.(ign|ignition)$/.test(name);

/**
 * Reads a configuration as it was written. Matchbox serves an empty config, with status 200, for a raw one that is not
 * valid; here it is an error.
 */
export function parseConfigText(
  kind: TextKind,
  name: string,
  text: string,
  place: Place,
): { value?: ConfigText; problems: InventoryProblem[] } {
  if (kind !== "ignition" || !isRawIgnition(name)) return { value: { name, text, place }, problems: [] };
  const { config, problems } = parseIgnition(text, place.file);
  // An inline text begins somewhere inside its file; its own lines say nothing there.
  const inline = place.line !== undefined;
  return {
    ...(config ? { value: { name, text, place, config } } : {}),
    problems: problems.map(({ severity, path, message, file, line, column }) => ({
      severity,
      check: "ignition",
      place: inline ? place : { file, line, column },
      path: pathText(path),
      message,
    })),
  };
}
