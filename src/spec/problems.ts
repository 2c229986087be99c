import { isSlipwayError, SlipwayError } from "../base/errors.js";
import { didYouMean } from "../base/nearest.js";

/** Where a value stands in the form: `["nodes", 0, "memory"]`. */
export type FieldPath = readonly (string | number)[];

/** One thing that is not right in what the user wrote. */
export interface Problem {
  path: FieldPath;
  message: string;
  /** Where it was written: `cluster.yaml:12:5`, or the flag, `--memory`; undefined when it came from code. */
  where?: string | undefined;
  /** The field itself is not known. */
  unknownField?: true;
}

/** Says where the value at a path was written, or the nearest thing around it. */
export type Locate = (path: FieldPath) => string | undefined;

export const nowhere: Locate = () => undefined;

/** `nodes[0].memory`; keys that hold other than letters, digits, `-` and `_` are quoted. */
export function pathText(path: FieldPath): string {
  return path
    .map((part, i) => {
      if (typeof part === "number") return `[${part}]`;
      if (!/^[\w-]+$/.test(part)) return `[${JSON.stringify(part)}]`;
      return i === 0 ? part : `.${part}`;
    })
    .join("");
}

/** `cluster.yaml:12:5 nodes[0].memory: …`; a flag speaks for itself: `--memory: …`. */
export function problemText({ where, path, message }: Problem): string {
  if (where?.startsWith("-")) return `${where}: ${message}`;
  const place = [where, pathText(path)].filter(Boolean).join(" ");
  return place === "" ? message : `${place}: ${message}`;
}

/** What a configuration error carries as its cause, so that programs can read each problem. */
class ProblemList extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(problemText).join("\n"));
    this.problems = problems;
  }
}

/** The problems that an error of this room reports; none for other errors. */
export const problemsOf = (error: unknown): readonly Problem[] =>
  error instanceof Error && error.cause instanceof ProblemList ? error.cause.problems : [];

/** So that a file that is something else altogether does not fill the screen. */
const shownProblems = 20;

/** One error for all the problems: the first is its message, the others its details. `USAGE` when all come from flags. */
export function problemsError(problems: readonly Problem[]): SlipwayError {
  const [first, ...others] = problems.slice(0, shownProblems).map(problemText);
  const code = problems.every(({ where }) => where?.startsWith("-")) ? "USAGE" : "CONFIG_INVALID";
  return new SlipwayError(code, first ?? "the configuration is not valid", {
    details: Object.fromEntries(others.map((text, i) => [`${i + 2} of ${problems.length}`, text])),
    cause: new ProblemList(problems),
  });
}

/** Collects problems, and what is said by errors for wrong input, so that all can be told at once. */
export class ProblemCollector {
  readonly problems: Problem[] = [];
  readonly #locate: Locate;

  constructor(locate: Locate) {
    this.#locate = locate;
  }

  add(path: FieldPath, message: string): void {
    this.problems.push({ path, message, where: this.#locate(path) });
  }

  /** What `parse` gives; undefined when it refused its input, which is then among the problems. */
  try<T>(path: FieldPath, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (!isInputError(error)) throw error;
      this.add(path, error.message);
      return undefined;
    }
  }

  /** @throws {SlipwayError} `CONFIG_INVALID` or `USAGE` when there is any problem. */
  throwIfAny(): void {
    if (this.problems.length > 0) throw problemsError(this.problems);
  }
}

/** An error about the text of one value, as the parsers of this room and of net/ throw them. */
export const isInputError = (error: unknown): error is SlipwayError =>
  isSlipwayError(error, "CONFIG_INVALID") || isSlipwayError(error, "ADDRESS_INVALID");

/** The error of a parser of one value. */
export const valueInvalid = (message: string): SlipwayError => new SlipwayError("CONFIG_INVALID", message);

/** How a message shows a value that it is about. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** The end of a message about a name that is not known: `, did you mean …?`; nothing when no name is near. */
export function nearText(typed: string, names: Iterable<string>): string {
  const question = didYouMean(typed, names);
  return question === undefined ? "" : `, ${question}`;
}
