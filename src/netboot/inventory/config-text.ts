import { type LocatedProblem, parseIgnition } from "../../ignition/parse.js";
import { pathText } from "../../spec/problems.js";
import { parseTemplate } from "../template/template.js";
import type { InventoryProblem } from "./problem.js";
import type { ConfigText } from "./snapshot.js";
import type { Place } from "./types.js";

/** What the configurations of a boot profile are kept as: matchbox's directories. */
export const textKinds = ["ignition", "cloud", "generic"] as const;
export type TextKind = (typeof textKinds)[number];

/** Whether an Ignition config of that name is served as it is; all others are templates. Matchbox's rule. */
export const isRawIgnition = (name: string): boolean => /\.(ign|ignition)$/.test(name);

/**
 * Reads a configuration as it was written: a template, which is parsed, or a raw Ignition config. Matchbox serves an empty
 * config, with status 200, for a raw one that is not valid; here it is an error.
 */
export function parseConfigText(
  kind: TextKind,
  name: string,
  text: string,
  place: Place,
): { value?: ConfigText; problems: InventoryProblem[] } {
  if (kind === "ignition" && isRawIgnition(name)) {
    const { config, problems } = parseIgnition(text, place.file);
    const said = problems.map((problem) => textProblem("ignition", problem, place));
    return { ...(config ? { value: { name, text, place, config } } : {}), problems: said };
  }
  const { template, problem } = parseTemplate(text, place.file);
  return template
    ? { value: { name, text, place, template }, problems: [] }
    : { problems: [textProblem("template", problem, place)] };
}

/** A problem of a configuration's text, which may stand inside a file: an inline text begins on the line after its field. */
export function textProblem(
  check: string,
  { severity, path, message, line, column }: LocatedProblem,
  { file, line: outer }: Place,
): InventoryProblem {
  const place = outer === undefined ? { file, line, column } : { file, line: outer + line };
  return { severity, check, place, path: pathText(path), message };
}
