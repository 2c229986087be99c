import type { LocatedProblem } from "../../ignition/parse.js";

/** Thrown inside this folder, caught at its door: what is wrong with a template, and at which offset of its text. */
export class TemplateFailure extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

export function fail(offset: number, message: string): never {
  throw new TemplateFailure(offset, message);
}

/** The problem as everybody else reads it, with file, line and column. */
export function located(failure: TemplateFailure, text: string, file: string): LocatedProblem {
  const before = text.slice(0, failure.offset).split("\n");
  return {
    path: [],
    message: failure.message,
    severity: "error",
    file,
    line: before.length,
    column: before.at(-1)!.length + 1,
  };
}
