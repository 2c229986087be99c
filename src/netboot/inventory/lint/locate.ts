import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type FieldPath, type Locate, pathText } from "../../../spec/problems.js";
import { readYaml } from "../../../spec/yaml.js";
import { jsonPlace } from "../json-place.js";
import { labFile } from "../lab.js";
import type { InventoryProblem } from "../problem.js";
import type { Place } from "../types.js";
import { type Finding, placeOf, type Subject } from "./finding.js";

/** Findings as problems, each with the line of its field: files are read once more for it. */
export async function locateFindings(
  findings: readonly Finding[],
  directory: string,
): Promise<InventoryProblem[]> {
  const sources = new Map<string, Promise<string>>();
  const textOf = (file: string): Promise<string> => {
    const known = sources.get(file) ?? readFile(join(directory, file), "utf8");
    sources.set(file, known);
    return known;
  };
  let lab: { value: unknown; locate: Locate } | undefined;
  const problems: InventoryProblem[] = [];
  for (const { subject, field, severity, check, message } of findings) {
    const own = placeOf(subject);
    let located: { place: Place; path: FieldPath } = { place: own, path: field };
    if (!("place" in subject)) {
      if (own.line === undefined && !("lab" in subject)) {
        if (field.length > 0) located.place = jsonPlace(await textOf(own.file), own.file, field);
      } else {
        lab ??= readYaml(await textOf(own.file), own.file, labFile);
        located = inLab(lab, subject, field, own);
      }
    }
    problems.push({ severity, check, place: located.place, path: pathText(located.path), message });
  }
  return problems;
}

/** A problem of a JSON file with the line of its field. */
export async function withLine(problem: InventoryProblem, directory: string): Promise<InventoryProblem> {
  const { file, line } = problem.place;
  if (line !== undefined || problem.path === "" || !file.endsWith(".json")) return problem;
  return {
    ...problem,
    place: jsonPlace(await readFile(join(directory, file), "utf8"), file, [problem.path]),
  };
}

function inLab(
  { value, locate }: { value: unknown; locate: Locate },
  subject: Subject,
  field: FieldPath,
  place: Place,
): { place: Place; path: FieldPath } {
  const form = value as Record<string, { id?: string; name?: string }[] | undefined>;
  const at = (list: string, key: "id" | "name", id: string): FieldPath => {
    const index = (form[list] ?? []).findIndex((one) => one[key] === id);
    return index === -1 ? [] : [list, index];
  };
  let path: FieldPath;
  if ("profile" in subject) path = [...at("profiles", "id", subject.profile.id), ...inLabWords(field)];
  else if ("machine" in subject) path = [...at("machines", "name", subject.machine.name), ...field];
  else if ("group" in subject) {
    const own = at("groups", "id", subject.group.id);
    // A machine's boot profile implies a group; its selector is the MAC.
    const implied = at("machines", "name", subject.group.id);
    const word = field[0] === "selector" ? (["mac"] as const) : field;
    path = own.length > 0 ? [...own, ...field] : [...implied, ...word];
  } else path = field;
  const [, line, column] = /:(\d+):(\d+)$/.exec(locate(path) ?? "") ?? [];
  return {
    path,
    place: line === undefined ? place : { file: place.file, line: Number(line), column: Number(column) },
  };
}

/** `boot.kernel` is `kernel` there, `ignition_id` is `ignition`. */
const inLabWords = ([first, ...rest]: FieldPath): FieldPath =>
  first === undefined ? [] : first === "boot" ? rest : [String(first).replace(/_id$/, ""), ...rest];
