import { labelsOf } from "../render/labels.js";

export interface Target {
  /** Decoded. */
  path: string;
  /** Still encoded, without the question mark. */
  rawQuery: string;
}

/** Takes a request's target apart; undefined: its path is encoded wrongly. */
export function parseTarget(target: string): Target | undefined {
  // A proxy's form: with scheme and host (RFC 9112 §3.2.2).
  const own = target.startsWith("/") ? target : target.replace(/^https?:\/\/[^/?]*/i, "");
  const question = own.indexOf("?");
  const path = question < 0 ? own : own.slice(0, question);
  const rawQuery = question < 0 ? "" : own.slice(question + 1);
  if (!path.includes("%")) return { path, rawQuery };
  try {
    return { path: decodeURIComponent(path), rawQuery };
  } catch {
    return undefined;
  }
}

/** The path without `.`, `..` and double slashes; a final slash stays. It cannot leave the root. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  const end = parts.length > 0 && /\/\.{0,2}$/.test(path) ? "/" : "";
  return `/${parts.join("/")}${end}`;
}

/** The query without a parameter, as it was otherwise written. */
export const withoutParameter = (rawQuery: string, name: string): string =>
  rawQuery
    .split("&")
    .filter((pair) => !Object.hasOwn(labelsOf(pair), name))
    .join("&");
