import type { Problem } from "../problem.js";
import type { Converted } from "./v2-convert.js";

/** Says of problems of a converted config where in the old one they come from: the nearest entry that is known. */
export function mapToOrigins(problems: Problem[], { config, origins }: Converted): Problem[] {
  return problems.map((problem) => {
    let at: unknown = config;
    let origin: Problem["path"] = [];
    for (const step of problem.path) {
      at = typeof at === "object" && at !== null ? (at as Record<string | number, unknown>)[step] : undefined;
      const known = typeof at === "object" && at !== null ? origins.get(at) : undefined;
      origin = known ?? [...origin, step];
    }
    return { ...problem, path: origin };
  });
}
