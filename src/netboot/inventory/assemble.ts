import { createHash } from "node:crypto";
import { each, type Slices } from "../../base/slices.js";
import { nearText } from "../../spec/problems.js";
import { parseConfigText, type TextKind } from "./config-text.js";
import type { InventoryFiles } from "./inventory-files.js";
import type { LabText } from "./lab.js";
import { type InventoryProblem, isError } from "./problem.js";
import { noSettings } from "./settings.js";
import { type ConfigText, type Contents, makeSnapshot, type Snapshot } from "./snapshot.js";
import type { BootProfile, Group } from "./types.js";

/** What came of reading an inventory. */
export interface Loaded {
  /** Undefined when there are errors. */
  snapshot?: Snapshot;
  problems: InventoryProblem[];
}

/** Puts together what the files of an inventory say: valid as a whole, or not at all. */
export function* assemble(files: InventoryFiles): Slices<Loaded> {
  const problems = [...files.problems];
  const groups: Group[] = [];
  const profiles: BootProfile[] = [];
  const texts = {
    ignition: new Map<string, ConfigText>(),
    cloud: new Map<string, ConfigText>(),
    generic: new Map<string, ConfigText>(),
  };
  const sum = createHash("sha256")
    .update(files.assets === undefined ? "" : "assets\n")
    .update(files.tftp === undefined ? "" : "tftp\n");
  yield* each([...files.files.keys()].sort(), (path) => {
    const { digest, problems: own, group, profile, text, role } = files.files.get(path)!;
    sum.update(`${path}\0${digest}\n`);
    for (const problem of own) problems.push(problem);
    if (group) groups.push(group);
    if (profile) profiles.push(profile);
    if (text) texts[role.kind as TextKind].set(text.name, text);
  });
  const { lab } = files;
  for (const text of lab?.texts ?? []) addLabText(text, files, texts[text.kind], problems);
  yield* addUnlessThere("group", groups, lab?.groups ?? [], problems);
  yield* addUnlessThere("boot profile", profiles, lab?.profiles ?? [], problems);
  const contents: Contents = {
    networks: lab?.networks ?? [],
    dns: lab?.dns ?? { records: [], forward: [] },
    machines: lab?.machines ?? [],
    groups,
    profiles,
    ...texts,
    settings: lab?.settings ?? noSettings,
    bootFiles: lab?.bootFiles ?? {},
  };
  const assets = lab?.assets ?? files.assets;
  if (assets !== undefined) contents.assets = assets;
  const tftp = lab?.tftp ?? files.tftp;
  if (tftp !== undefined) contents.tftp = tftp;
  const told = new Set(lab?.texts.map(({ kind, name }) => `${kind}/${name}`));
  yield* findDangling(contents, told, problems);
  if (problems.some(isError)) return { problems };
  return { snapshot: yield* makeSnapshot(contents, sum.digest("hex")), problems };
}

function addLabText(
  labText: LabText,
  files: InventoryFiles,
  texts: Map<string, ConfigText>,
  problems: InventoryProblem[],
): void {
  const { kind, name, place, path } = labText;
  const complain = (check: string, message: string) =>
    problems.push({ severity: "error", check, place, path, message });
  if ("text" in labText) {
    if (texts.has(name)) {
      const other = texts.get(name)!.place.file;
      complain(
        "duplicate-id",
        `is kept under the name ${name}, and so is ${other}; move the text into a file`,
      );
      return;
    }
    const parsed = parseConfigText(kind, name, labText.text, place);
    problems.push(...parsed.problems);
    if (parsed.value) texts.set(name, parsed.value);
    return;
  }
  const file = files.files.get(labText.file);
  if (file === undefined) complain("missing-file", `there is no file ${labText.file}`);
  else if (file.text && !texts.has(name)) {
    // Read for another of matchbox's directories than this boot profile takes it for.
    const parsed = parseConfigText(kind, name, file.text.text, file.text.place);
    problems.push(...parsed.problems);
    if (parsed.value) texts.set(name, parsed.value);
  } else if (!file.text && file.role.kind !== kind) {
    complain("missing-file", `${labText.file} is no configuration: it holds a ${file.role.kind}`);
  }
}

/** Of one id in a lab.yaml and in matchbox's layout beside it, neither is meant more than the other. */
function* addUnlessThere<T extends Group | BootProfile>(
  what: string,
  list: T[],
  added: readonly T[],
  problems: InventoryProblem[],
): Slices<void> {
  const known = new Map(list.map((one) => [one.id, one]));
  yield* each(added, (one) => {
    const other = known.get(one.id);
    if (other === undefined) list.push(one);
    else {
      const message = `the ${what} ${one.id} is in ${other.place.file} as well`;
      problems.push({ severity: "error", check: "duplicate-id", place: one.place, path: "", message });
    }
  });
}

/**
 * Names that lead nowhere. In a lab.yaml they are errors. In matchbox's layout they are allowed, as its API's clients
 * put and delete a group, its boot profile and its configuration one by one, in any order; until all are there, the
 * machine gets nothing.
 *
 * @param told `kind/name` of a lab.yaml's texts: what is wrong with them was said where they are named
 */
function* findDangling(
  contents: Contents,
  told: ReadonlySet<string>,
  problems: InventoryProblem[],
): Slices<void> {
  const complain = ({ place }: Group | BootProfile, path: string, message: string) => {
    const severity = place.line === undefined ? "warning" : "error"; // only a lab.yaml's have a line
    problems.push({ severity, check: "unknown-reference", place, path, message });
  };
  const known = new Set(contents.profiles.map(({ id }) => id));
  let unknown = 0;
  yield* each(contents.groups, (group) => {
    if (known.has(group.profile)) return;
    // Looking for a name that is near takes its time.
    complain(group, "profile", unknownText("boot profile", group.profile, unknown++ < 20 ? known : []));
  });
  for (const profile of contents.profiles) {
    const named = { ignition: profile.ignitionId, cloud: profile.cloudId, generic: profile.genericId };
    for (const [kind, name] of Object.entries(named) as [TextKind, string | undefined][]) {
      if (name === undefined || contents[kind].has(name) || told.has(`${kind}/${name}`)) continue;
      complain(profile, `${kind}_id`, unknownText(`file in ${kind}/ called`, name, contents[kind].keys()));
    }
  }
}

const unknownText = (what: string, name: string, known: Iterable<string>): string =>
  `there is no ${what} ${name}${nearText(name, known)}`;
