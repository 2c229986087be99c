import type { LocatedProblem } from "../../ignition/parse.js";
import { defaultLimits, type TemplateLimits } from "./budget.js";
import { executeTrees } from "./execute.js";
import { located, TemplateFailure } from "./failure.js";
import { parseTrees } from "./parser.js";
import type { Value } from "./values.js";

/**
 * A template in the language of Go's text/template, as matchbox runs it: `missingkey=error`, no functions but Go's own. Parsed
 * once, executed often.
 *
 * Differences, none of which a boot template meets by itself: complex numbers and `%p` of maps and lists are refused, a slice
 * does not reach past the end of its list, and execution has limits.
 */
export interface Template {
  /**
   * The text that the template makes of the data. Bytes that are no UTF-8 stand as byte-text.ts says.
   *
   * @param limits what it may cost; `defaultLimits` for what is not said
   */
  execute(data: Value, limits?: Partial<TemplateLimits>): { text: string } | { problem: LocatedProblem };
}

/** Reads a template. @param file its name in problems */
export function parseTemplate(
  text: string,
  file: string,
): { template: Template; problem?: undefined } | { template?: undefined; problem: LocatedProblem } {
  const parsed = attempt(text, file, () => parseTrees(text));
  if ("problem" in parsed) return parsed;
  const trees = parsed.result;
  return {
    template: {
      execute(data, limits) {
        const done = attempt(text, file, () => executeTrees(trees, data, { ...defaultLimits, ...limits }));
        return "problem" in done ? done : { text: done.result };
      },
    },
  };
}

function attempt<T>(text: string, file: string, run: () => T): { result: T } | { problem: LocatedProblem } {
  try {
    return { result: run() };
  } catch (error) {
    if (error instanceof TemplateFailure) return { problem: located(error, text, file) };
    // Data nested deeper than our stack.
    if (error instanceof RangeError)
      return { problem: located(new TemplateFailure(0, `nested too deeply: ${error.message}`), text, file) };
    throw error;
  }
}
