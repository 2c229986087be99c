import { readdirSync, rmdirSync, symlinkSync, unlinkSync } from "node:fs";
import { posix } from "node:path";
import { parseUnitFile, type UnitSection, unitSettingWords } from "../unit-file.js";
import { readRootText } from "./accounts.js";
import { failed, type Root } from "./root.js";
import { unitDirectory } from "./units.js";

/** Where systemd looks for units, first come first served (systemd.unit(5)). */
const searchPath = [
  unitDirectory,
  "/usr/local/lib/systemd/system",
  "/usr/lib/systemd/system",
  "/lib/systemd/system",
];

/** As `systemctl is-enabled` counts: "enabled" where it would exit 0. */
export function enablementOf(name: string, root: Root): "enabled" | "disabled" {
  const unit = findUnit(name, root);
  if (!unit || unit.masked) return "disabled";
  if (linksTo(name, root).length > 0) return "enabled";
  const installs = ["WantedBy", "RequiredBy", "Alias"].some((key) => installWords(unit, key).length > 0);
  return installs ? "disabled" : "enabled"; // static and indirect units count as enabled
}

/** Takes away the links that enable a unit, as `systemctl disable` does. */
export function disableUnit(name: string, root: Root): void {
  for (const link of linksTo(name, root)) {
    unlinkSync(root.onHost(link));
    const directory = posix.dirname(link);
    if (/\.(wants|requires)$/.test(directory) && list(directory, root).length === 0)
      rmdirSync(root.onHost(directory));
  }
}

/**
 * Makes the links that `systemctl enable` makes: `WantedBy`, `RequiredBy`, `Alias`, and the same for the units that `Also`
 * names.
 */
export function enableUnit(name: string, root: Root, seen = new Set<string>()): void {
  if (seen.has(name)) return;
  seen.add(name);
  const unit = findUnit(name, root);
  if (!unit) throw failed(`the unit ${name} is to be enabled, but the root has no such unit`);
  if (unit.masked) return;
  const instance = name.replace(/@\.([^.]+)$/, `@${installWords(unit, "DefaultInstance")[0] ?? ""}.$1`);
  for (const [key, suffix] of [
    ["WantedBy", "wants"],
    ["RequiredBy", "requires"],
  ] as const) {
    for (const target of installWords(unit, key)) link(`${target}.${suffix}/${instance}`, unit.path, root);
  }
  for (const alias of installWords(unit, "Alias")) link(alias, unit.path, root);
  for (const other of installWords(unit, "Also")) if (findUnit(other, root)) enableUnit(other, root, seen);
}

interface FoundUnit {
  name: string;
  /** In the root; a template's for its instances. */
  path: string;
  sections: UnitSection[];
  masked: boolean;
}

/** A unit's file; of an instance without a file of its own, its template's. */
function findUnit(name: string, root: Root): FoundUnit | undefined {
  const template = name.replace(/@[^.]+(\.[^.]+)$/, "@$1");
  for (const file of new Set([name, template])) {
    for (const directory of searchPath) {
      const path = `${directory}/${file}`;
      const at = root.resolve(path);
      const present = root.stat(at);
      if (!present) continue;
      const masked = present.isSymbolicLink() && root.readLink(at) === "/dev/null";
      const sections = masked ? [] : parseUnitFile(readRootText(root, path) ?? "");
      if (typeof sections === "string") throw failed(`the unit ${name} is not a unit file: ${sections}`);
      return { name, path, sections, masked };
    }
  }
  return undefined;
}

/** A list of `[Install]`, its specifiers filled in (systemd.unit(5)). */
function installWords({ name, sections }: FoundUnit, key: string): string[] {
  const [, prefix = "", instance = ""] = /^([^@]*?)(?:@(.*))?\.[^.]+$/.exec(name) ?? [];
  const specifiers: Record<string, string> = {
    n: name,
    N: name.replace(/\.[^.]+$/, ""),
    p: prefix,
    i: instance,
    "%": "%",
  };
  return unitSettingWords(sections, "Install", key).map((word) =>
    word.replace(/%(.)/g, (whole, letter: string) => specifiers[letter] ?? whole),
  );
}

function link(name: string, target: string, root: Root): void {
  const at = root.resolve(`${unitDirectory}/${name}`);
  if (at === root.resolve(target)) return; // an alias of its own name
  const present = root.stat(at);
  if (present && !present.isSymbolicLink()) return; // systemctl keeps what an administrator put there
  root.makeDirectories(posix.dirname(at));
  if (present) unlinkSync(root.onHost(at));
  symlinkSync(target, root.onHost(at));
}

/** The links in /etc/systemd/system that enable a unit: in `.wants` and `.requires`, and its aliases. */
function linksTo(name: string, root: Root): string[] {
  const top = root.resolveFully(unitDirectory);
  const entries = list(top, root);
  const dependencies = entries
    .filter((entry) => /\.(wants|requires)$/.test(entry) && root.stat(`${top}/${entry}`)?.isDirectory())
    .map((entry) => `${top}/${entry}/${name}`)
    .filter((path) => root.stat(path)?.isSymbolicLink());
  const aliases = entries
    .map((entry) => `${top}/${entry}`)
    .filter((path) => root.stat(path)?.isSymbolicLink() && posix.basename(root.readLink(path)) === name)
    .filter((path) => posix.basename(path) !== name);
  return [...dependencies, ...aliases];
}

const list = (directory: string, root: Root): string[] =>
  root.stat(directory)?.isDirectory() ? readdirSync(root.onHost(directory)).sort() : [];
