import { isSlipwayError, messageOf } from "../../base/errors.js";
import { styleFor } from "./style.js";

/**
 * An error for the person who meets it: what happened and its code, what was seen, what to do.
 *
 *   slipway: the API server did not become ready in 60 s  [API_NOT_READY]
 *     last seen  https://10.77.0.2:6443/readyz → 500
 *     try        slipway logs --problems
 */
export function renderError(
  error: unknown,
  { color, verbose = false, report }: { color: boolean; verbose?: boolean; report?: string },
): string {
  const style = styleFor(color);
  const code = isSlipwayError(error) ? error.code : "INTERNAL";
  const rows: (readonly [label: string, text: string])[] = isSlipwayError(error)
    ? [...Object.entries(error.details), ...(error.hint === undefined ? [] : [["try", error.hint] as const])]
    : [["stack", stackOf(error, verbose ? 50 : 6)]];
  if (verbose) rows.push(...causesOf(error).map((cause) => ["because", stackOf(cause, 4)] as const));
  if (report !== undefined) rows.push(["report", report]);
  const width = Math.max(0, ...rows.map(([label]) => label.length));
  const indent = " ".repeat(width + 4);
  const lines = rows.map(
    ([label, text]) =>
      `  ${style("dim", label.padEnd(width))}  ${text.trimEnd().replaceAll("\n", `\n${indent}`)}`,
  );
  const head = `${style("red", "slipway:")} ${messageOf(error)}  ${style("dim", `[${code}]`)}`;
  return `${[head, ...lines].join("\n")}\n`;
}

/** The first places of the stack, without the message. */
function stackOf(error: unknown, count: number): string {
  if (!(error instanceof Error) || !error.stack) return messageOf(error);
  const places = error.stack.split("\n").filter((line) => /^\s+at /.test(line));
  return [messageOf(error), ...places.slice(0, count).map((line) => line.trim())].join("\n");
}

function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let cause = causeOf(error); cause !== undefined && causes.length < 5; cause = causeOf(cause))
    causes.push(cause);
  return causes;
}

const causeOf = (error: unknown): unknown => (error instanceof Error ? error.cause : undefined);
