import { jsonErrorOffset } from "../../ignition/json-offset.js";
import type { InventoryProblem } from "./problem.js";
import type { Place } from "./types.js";

const string = /"(?:[^"\\]|\\.)*"/y;
const structure = /"(?:[^"\\]|\\.)*"|[{}[\]]/g;
const scalar = /[^\s,\]}]+/y;
const gap = /[\s,:]*/y;

/** Where a field of a JSON text stands: its key in a map, itself in a list; of one that is missing, what it is missing from. */
export function jsonPlace(text: string, file: string, path: readonly (string | number)[]): Place {
  let [owner, found] = [skip(gap, text, 0), skip(gap, text, 0)];
  for (const part of path) {
    let member: JsonMember | undefined;
    for (const candidate of membersAt(text, owner)) {
      if (candidate.key === part) member = candidate; // of one key twice the last counts, as for JSON.parse
    }
    if (member === undefined) break;
    found = member.offset;
    owner = member.valueOffset;
  }
  return placeAt(text, file, found);
}

/** Keys that one map of a JSON text has twice: all but the last are lost to JSON.parse, and to Go. */
export function repeatedKeys(text: string, file: string): InventoryProblem[] {
  const problems: InventoryProblem[] = [];
  const visit = (owner: number): void => {
    const seen = new Set<string | number>();
    for (const { key, offset, valueOffset } of membersAt(text, owner)) {
      if (seen.has(key)) {
        problems.push({
          severity: "warning",
          check: "repeated-key",
          place: placeAt(text, file, offset),
          path: "",
          message: `the key ${JSON.stringify(key)} is here a second time; only the last one counts`,
        });
      }
      seen.add(key);
      visit(valueOffset);
    }
  };
  visit(skip(gap, text, 0));
  return problems;
}

/** Reads JSON (RFC 8259); where it is broken is a problem. */
export function readJson(text: string, file: string): { value: unknown } | { problem: InventoryProblem } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    const offset = jsonErrorOffset(text);
    const rest = text.slice(offset).trimStart();
    const message =
      text.trim() === ""
        ? "the file is empty"
        : rest === ""
          ? "not JSON: it ends before it is complete"
          : `not JSON: ${JSON.stringify(rest.slice(0, 12))} cannot stand here`;
    if (!(error instanceof SyntaxError)) throw error;
    return {
      problem: { severity: "error", check: "syntax", place: placeAt(text, file, offset), path: "", message },
    };
  }
}

interface JsonMember {
  key: string | number;
  /** Of the key in a map, of the item in a list. */
  offset: number;
  valueOffset: number;
}

/** The members of the map or list that begins at `owner`; none of anything else. The text is JSON. */
function* membersAt(text: string, owner: number): Generator<JsonMember> {
  const opening = text[owner];
  if (opening !== "{" && opening !== "[") return;
  let at = skip(gap, text, owner + 1);
  for (let index = 0; text[at] !== "}" && text[at] !== "]"; index++) {
    const offset = at;
    let key: string | number = index;
    if (opening === "{") {
      at = skip(string, text, at);
      key = JSON.parse(text.slice(offset, at)) as string;
      at = skip(gap, text, at);
    }
    yield { key, offset, valueOffset: at };
    at = skip(gap, text, endOfValue(text, at));
  }
}

function endOfValue(text: string, at: number): number {
  if (text[at] === '"') return skip(string, text, at);
  if (text[at] !== "{" && text[at] !== "[") return skip(scalar, text, at);
  structure.lastIndex = at;
  for (let depth = 0; ; ) {
    const [token] = structure.exec(text)!;
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    if (depth === 0) return structure.lastIndex;
  }
}

function skip(token: RegExp, text: string, at: number): number {
  token.lastIndex = at;
  token.test(text);
  return token.lastIndex;
}

function placeAt(text: string, file: string, offset: number): Place {
  const before = text.slice(0, offset).split("\n");
  return { file, line: before.length, column: before.at(-1)!.length + 1 };
}
