import { isNode, LineCounter, parseDocument } from "yaml";
import { SlipwayError } from "../base/errors.js";
import type { IgnitionConfig } from "./config.js";
import { jsonErrorOffset } from "./json-offset.js";
import type { Problem } from "./problem.js";
import { validateIgnition } from "./validate.js";

/** A problem and where in the file it is. */
export interface LocatedProblem extends Problem {
  file: string;
  /** From 1. */
  line: number;
  column: number;
}

/** Reads and checks an Ignition config's JSON. `config` is undefined when there are errors. */
export function parseIgnition(
  text: string,
  file: string,
): { config: IgnitionConfig | undefined; problems: LocatedProblem[] } {
  const { value, problem } = readJson(text, file);
  if (problem) return { config: undefined, problems: [problem] };
  const { config, problems } = validateIgnition(value);
  return { config, problems: locateProblems(problems, text, file) };
}

/** Reads JSON; `problem` says where it stops being that. */
export function readJson(text: string, file: string): { value?: unknown; problem?: LocatedProblem } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: syntaxProblem(text, file, error as SyntaxError) };
  }
}

/** Finds the line and column of each problem in the JSON text that the config came from. */
export function locateProblems(problems: Problem[], text: string, file: string): LocatedProblem[] {
  // The second parse is for positions only.
  if (problems.every(({ path }) => path.length === 0)) {
    return problems.map((problem) => ({ ...problem, file, line: 1, column: 1 }));
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, schema: "json", uniqueKeys: false });
  const offsetOf = (path: Problem["path"]): number => {
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return node.range[0];
    }
    return 0;
  };
  return problems.map((problem) => {
    const { line, col } = lines.linePos(offsetOf(problem.path));
    return { ...problem, file, line: Math.max(line, 1), column: Math.max(col, 1) };
  });
}

/** The error for a config that has problems: the first errors, each with its place. */
export function ignitionError(
  problems: LocatedProblem[],
  file: string,
  { kind = "Ignition config", limit = 5 }: { kind?: string; limit?: number } = {},
): SlipwayError {
  const errors = problems.filter(({ severity }) => severity === "error");
  const shown = errors.slice(0, limit);
  const more = errors.length > shown.length ? ` (the first ${shown.length} are shown)` : "";
  const count = errors.length === 1 ? "1 error" : `${errors.length} errors`;
  return new SlipwayError("NODE_CONFIG_INVALID", `${file} is not a valid ${kind}: ${count}${more}`, {
    details: problemDetails(shown),
  });
}

/** Problems by their place, as an error shows them. */
export function problemDetails(problems: LocatedProblem[]): Record<string, string> {
  const details: Record<string, string> = {};
  for (const problem of problems) {
    const place = placeOfProblem(problem);
    details[place] = [
      ...(details[place] === undefined ? [] : [details[place]]),
      describeProblem(problem),
    ].join("\n");
  }
  return details;
}

/** `node.ign:6:41` */
export const placeOfProblem = ({ file, line, column }: LocatedProblem): string => `${file}:${line}:${column}`;

/** `storage.files[0].path: the path is not absolute` */
export const describeProblem = ({ path, message }: Problem): string => {
  const keys = path.map((key, i) => (typeof key === "number" ? `[${key}]` : `${i > 0 ? "." : ""}${key}`));
  return keys.length > 0 ? `${keys.join("")}: ${message}` : message;
};

function syntaxProblem(text: string, file: string, error: SyntaxError): LocatedProblem {
  const offset = jsonErrorOffset(text);
  const before = text.slice(0, offset).split("\n");
  return {
    path: [],
    message: text.trim() === "" ? "the file is empty" : `not JSON: ${error.message}`,
    severity: "error",
    file,
    line: before.length,
    column: before.at(-1)!.length + 1,
  };
}
