import { nearText, type Problem, shown } from "./problems.js";

/** The two fields that say what a file is. In a file they must be there. */
export function identityProblems(
  value: unknown,
  wanted: { apiVersion: string; kind: string },
  fileKind: string,
): Problem[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [{ path: [], message: `${fileKind} is a map that begins with apiVersion: ${wanted.apiVersion}` }];
  }
  return Object.entries(wanted).flatMap(([key, expected]): Problem[] => {
    const actual = (value as Record<string, unknown>)[key];
    if (actual === expected) return [];
    const message =
      actual === undefined
        ? `is missing; write ${key}: ${expected}`
        : `${shown(actual)} is not ${expected}${nearText(String(actual), [expected])}`;
    return [{ path: [key], message }];
  });
}
