import type { LocatedProblem } from "../../../ignition/parse.js";
import { pathText } from "../../../spec/problems.js";
import { type DocumentKind, renderDocument } from "../../render/documents.js";
import { usualMinor } from "../../render/ignition-version.js";
import type { ConfigText, Snapshot } from "../snapshot.js";
import type { Place } from "../types.js";
import type { Find, Finding } from "./finding.js";
import { type Representative, representatives } from "./representative.js";

/** Renders what every group's machines and every described machine get, and says what fails. */
export function findRendered(snapshot: Snapshot, find: Find): void {
  const said = new Map<string, { finding: Finding; who: string[] }>();
  for (const representative of representatives(snapshot)) {
    for (const { finding, key } of findingsOf(representative)) {
      const known = said.get(key);
      if (known) known.who.push(representative.name);
      else said.set(key, { finding, who: [representative.name] });
    }
  }
  for (const { finding, who } of said.values()) {
    find({ ...finding, message: `${finding.message} (${whoText(who)})` });
  }
}

/** `for group a`, `for group a, machine b and 97 others` */
function whoText(who: readonly string[]): string {
  const [first, second, ...others] = who;
  if (second === undefined) return `for ${first}`;
  return others.length === 0
    ? `for ${first} and ${second}`
    : `for ${first}, ${second} and ${others.length} others`;
}

function* findingsOf({
  snapshot,
  group,
  labels,
}: Representative): Generator<{ finding: Finding; key: string }> {
  const profile = snapshot.profiles.get(group.profile);
  if (!profile) return; // told where the inventory is read
  const names = { ignition: profile.ignitionId, cloud: profile.cloudId, generic: profile.genericId };
  for (const [kind, name] of Object.entries(names) as [
    DocumentKind & keyof typeof names,
    string | undefined,
  ][]) {
    const source = name === undefined ? undefined : snapshot[kind].get(name);
    if (!source) continue;
    const document = renderDocument(kind, { labels, rawQuery: "" }, snapshot);
    for (const problem of document.problems) yield findingOf(problem, source);
    if (document.status === 404 && !document.problems.some(({ severity }) => severity === "error")) {
      yield findingAt("error", "render", source.place, document.reason);
    }
    if (document.status === 200 && kind === "ignition") {
      const { version } = (JSON.parse(document.body.toString()) as { ignition: { version: string } })
        .ignition;
      if (Number(version.split(".")[1]) > usualMinor) {
        yield findingAt(
          "warning",
          "ignition-version",
          source.place,
          `needs Ignition spec ${version}, which Ignition before 2.20 refuses`,
        );
      }
    }
  }
}

function findingOf(problem: LocatedProblem, source: ConfigText): { finding: Finding; key: string } {
  const { file, line, column, path, message, severity } = problem;
  // Of what was rendered the lines are those of the text that came out; without actions it is what went in.
  const isRendered = file !== source.place.file && source.text.includes("{{");
  const where = isRendered ? ` (line ${line}:${column} of what it renders to)` : "";
  const place = isRendered
    ? source.place
    : source.place.line === undefined
      ? { file: source.place.file, line, column }
      : { file, line: source.place.line + line };
  const field = pathText(path);
  const text = field === "" ? message : `${field}: ${message}`;
  return findingAt(severity, file === source.place.file ? "template" : "ignition", place, `${text}${where}`);
}

const findingAt = (
  severity: Finding["severity"],
  check: string,
  place: Place,
  message: string,
): { finding: Finding; key: string } => ({
  finding: { severity, check, subject: { place }, field: [], message },
  key: JSON.stringify([severity, place, message]),
});
