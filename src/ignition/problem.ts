/** One thing about a config that is wrong (error) or that probably is not what was meant (warning). */
export interface Problem {
  /** Keys and positions from the root of the document. */
  path: (string | number)[];
  message: string;
  severity: "error" | "warning";
}

/** Collects problems below one place of the document. */
export class Report {
  readonly problems: Problem[];
  readonly #path: Problem["path"];

  constructor(problems: Problem[] = [], path: Problem["path"] = []) {
    this.problems = problems;
    this.#path = path;
  }

  /** The same list, further down. */
  at(...path: Problem["path"]): Report {
    return new Report(this.problems, [...this.#path, ...path]);
  }

  error(message: string): void {
    this.problems.push({ path: this.#path, message, severity: "error" });
  }

  warn(message: string): void {
    this.problems.push({ path: this.#path, message, severity: "warning" });
  }
}
