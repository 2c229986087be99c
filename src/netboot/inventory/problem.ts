import { join } from "node:path";
import { SlipwayError } from "../../base/errors.js";
import type { Place } from "./types.js";

/** One thing in an inventory that is wrong (error), or that probably is not what was meant (warning). */
export interface InventoryProblem {
  severity: "error" | "warning";
  /** The check that found it, for programs: `syntax`, `unknown-field`, `duplicate-mac` … */
  check: string;
  place: Place;
  /** The field: `machines[0].mac`; empty: the file as a whole. */
  path: string;
  message: string;
}

/** `lab.yaml:12:5` */
export const placeText = ({ file, line, column }: Place): string =>
  [file, line, column].filter((part) => part !== undefined).join(":");

/** `lab.yaml:12:5 machines[0].mac: …` */
export const inventoryProblemText = ({ place, path, message }: InventoryProblem): string =>
  `${[placeText(place), path].filter(Boolean).join(" ")}: ${message}`;

export const isError = ({ severity }: InventoryProblem): boolean => severity === "error";

/** By file, line and column; of one place errors first. */
export const byPlace = (a: InventoryProblem, b: InventoryProblem): number =>
  compare(a.place.file, b.place.file) ||
  (a.place.line ?? 0) - (b.place.line ?? 0) ||
  (a.place.column ?? 0) - (b.place.column ?? 0) ||
  compare(a.severity, b.severity);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const shownProblems = 20;

/**
 * One error for an inventory that is not valid: the first error is its message, the others its details.
 *
 * @param lab what lint is to be called with
 * @param directory put before the files' names, where there is more than one inventory
 */
export function inventoryError(
  problems: readonly InventoryProblem[],
  lab: string,
  directory = "",
): SlipwayError {
  const errors = problems.filter(isError).map((problem) => ({
    ...problem,
    place: { ...problem.place, file: join(directory, problem.place.file) },
  }));
  const [first, ...others] = errors.slice(0, shownProblems).map(inventoryProblemText);
  return new SlipwayError("CONFIG_INVALID", first ?? "the inventory is not valid", {
    details: Object.fromEntries(others.map((text, i) => [`${i + 2} of ${errors.length}`, text])),
    hint: `slipway netboot lint ${lab} tells all that is wrong`,
  });
}
