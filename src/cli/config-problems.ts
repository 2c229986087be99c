import { SlipwayError } from "../base/errors.js";
import type { IgnitionConfig } from "../ignition/config.js";
import {
  describeProblem,
  ignitionError,
  type LocatedProblem,
  placeOfProblem,
  problemDetails,
} from "../ignition/parse.js";
import type { Cli } from "./cli.js";

/** How many problems one error lists. */
const limit = 20;

/** Says on stderr what is odd about a config: `worker.bu:9:14  storage.files[0].mode: …`. */
export function warnOf(problems: LocatedProblem[], cli: Cli): void {
  for (const problem of problems) {
    if (problem.severity !== "warning") continue;
    cli.context.events({
      type: "warning",
      message: `${placeOfProblem(problem)}  ${describeProblem(problem)}`,
    });
  }
}

/**
 * The config, its warnings said.
 *
 * @throws {SlipwayError} `NODE_CONFIG_INVALID` with the errors and their places; with `strict` also for warnings.
 */
export function configOrError(
  { config, problems }: { config: IgnitionConfig | undefined; problems: LocatedProblem[] },
  file: string,
  cli: Cli,
  { kind = "Ignition config", strict = false }: { kind?: string; strict?: boolean } = {},
): IgnitionConfig {
  const warnings = problems.filter(({ severity }) => severity === "warning");
  if (strict && config && warnings.length > 0) {
    throw new SlipwayError("NODE_CONFIG_INVALID", `${file} has warnings, and --strict is given`, {
      details: problemDetails(warnings),
    });
  }
  warnOf(warnings, cli);
  if (!config) throw ignitionError(problems, file, { kind, limit });
  return config;
}

/** The error for several files of which some are not valid. */
export function invalidFilesError(problems: LocatedProblem[], what: string): SlipwayError {
  const errors = problems.filter(({ severity }) => severity === "error");
  return new SlipwayError("NODE_CONFIG_INVALID", what, { details: problemDetails(errors.slice(0, limit)) });
}
