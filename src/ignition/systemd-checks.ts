import { posix } from "node:path";
import type { IgnitionConfig, IgnitionUnit } from "./config.js";
import type { Report } from "./problem.js";
import { parseUnitFile } from "./unit-file.js";

const unitTypes = [
  "service",
  "socket",
  "device",
  "mount",
  "automount",
  "swap",
  "target",
  "path",
  "timer",
  "snapshot",
  "slice",
  "scope",
];

export function checkUnits(units: IgnitionUnit[], report: Report): void {
  for (const [i, unit] of units.entries()) {
    const at = report.at("units", i);
    checkUnit(unit, at);
    const template = templateOf(unit, units);
    if (unit.enabled && template?.contents && !hasInstall(template.contents)) {
      at.at("contents").warn(
        `its template ${template.name} has no [Install] section: enabling it does nothing`,
      );
    }
  }
}

function checkUnit({ name, enabled, contents, dropins = [] }: IgnitionUnit, report: Report): void {
  const type = posix.extname(name ?? "").slice(1);
  if (!unitTypes.includes(type))
    report.at("name").error(`a unit's name ends in one of .${unitTypes.join(", .")}`);
  else if (name.includes("/")) report.at("name").error("a unit's name has no slash");
  checkContents(contents, report.at("contents"));
  if (enabled && contents && !hasInstall(contents)) {
    report.at("contents").warn("no [Install] section: enabling the unit does nothing");
  }
  for (const [i, dropin] of dropins.entries()) {
    const at = report.at("dropins", i);
    if (posix.extname(dropin.name ?? "") !== ".conf") at.at("name").error("a drop-in's name ends in .conf");
    else if (dropin.name.includes("/")) at.at("name").error("a drop-in's name has no slash");
    checkContents(dropin.contents, at.at("contents"));
  }
}

function checkContents(contents: string | undefined, report: Report): void {
  const parsed = parseUnitFile(contents ?? "");
  if (typeof parsed === "string") report.error(`not a unit file: ${parsed}`);
}

function hasInstall(contents: string): boolean {
  const parsed = parseUnitFile(contents);
  return typeof parsed === "string" || parsed.some(({ name }) => name === "Install");
}

/** `echo@.service` of `echo@a.service`, when it is in the config too. */
function templateOf(unit: IgnitionUnit, units: IgnitionUnit[]): IgnitionUnit | undefined {
  const instance = /^(.+?)@(.+?)\.service$/.exec(unit.name ?? "");
  return instance ? units.find(({ name }) => name === `${instance[1]}@.service`) : undefined;
}

/** Units and drop-ins become files: no other entry may claim their paths. */
export function checkUnitPaths({ storage = {}, systemd }: IgnitionConfig, report: Report): void {
  const claimed = new Set<string>();
  for (const { name, contents, dropins = [] } of systemd?.units ?? []) {
    if (contents) claimed.add(`/etc/systemd/system/${name}`);
    for (const dropin of dropins) {
      if (dropin.contents) claimed.add(`/etc/systemd/system/${name}.d/${dropin.name}`);
    }
  }
  for (const list of ["files", "directories", "links"] as const) {
    for (const [i, { path }] of (storage[list] ?? []).entries()) {
      if (claimed.has(path))
        report.at("storage", list, i, "path").error("a unit or drop-in of this config has that path");
    }
  }
}
