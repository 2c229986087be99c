import type { IgnitionConfig } from "./config.js";
import { mapToOrigins } from "./legacy/origins.js";
import { convertV2 } from "./legacy/v2-convert.js";
import { type ConfigV2, configV2Schema } from "./legacy/v2-schema.js";
import { type LocatedProblem, locateProblems, readJson } from "./parse.js";
import { Report } from "./problem.js";
import { cleanDocument, parseShape, validateIgnition } from "./validate.js";
import { withoutEmpty } from "./without-empty.js";

/**
 * Brings an Ignition config to a newer spec: 3.x to a later 3.x, or 2.0–2.4 (Container Linux) to 3.4 and later. `config` is
 * undefined when there are errors; what is said in another way now is a warning.
 *
 * @param minor of the spec that is wanted, 3.`minor`
 */
export function upgradeIgnition(
  text: string,
  file: string,
  minor: number,
): { config: IgnitionConfig | undefined; problems: LocatedProblem[] } {
  const { value, problem } = readJson(text, file);
  if (problem) return { config: undefined, problems: [problem] };
  const report = new Report();
  const config = upgrade(value, minor, report);
  const failed = report.problems.some(({ severity }) => severity === "error");
  return { config: failed ? undefined : config, problems: locateProblems(report.problems, text, file) };
}

function upgrade(value: unknown, minor: number, report: Report): IgnitionConfig | undefined {
  const version = versionOf(value);
  if (/^2\.[0-4]\.0$/.test(version)) return upgradeV2(value, minor, report);
  const { config, problems } = validateIgnition(value);
  report.problems.push(...problems);
  if (!config) return undefined;
  if (Number(version.split(".")[1]) > minor) {
    report
      .at("ignition", "version")
      .error(`the config is of spec ${version}: it cannot go back to 3.${minor}`);
    return undefined;
  }
  return atVersion(config, minor, report);
}

function upgradeV2(value: unknown, minor: number, report: Report): IgnitionConfig | undefined {
  if (minor < 4) {
    report.at("ignition", "version").error("a config of spec 2 becomes one of 3.4 or newer");
    return undefined;
  }
  const document = cleanDocument(value, report);
  const old = document === undefined ? undefined : parseShape<ConfigV2>(document, configV2Schema, report);
  if (!old) return undefined;
  const converted = convertV2(old, report);
  const found = new Report();
  const upgraded = atVersion(withoutEmpty(converted.config) as IgnitionConfig, minor, found);
  report.problems.push(...mapToOrigins(found.problems, converted));
  return upgraded;
}

/** What later specs added is not in the way of what earlier ones said. */
function atVersion(config: IgnitionConfig, minor: number, report: Report): IgnitionConfig | undefined {
  const newer = { ...config, ignition: { ...config.ignition, version: `3.${minor}.0` } };
  const known = new Set(report.problems.map(({ message }) => message));
  const { config: checked, problems } = validateIgnition(newer);
  report.problems.push(...problems.filter(({ message }) => !known.has(message)));
  return checked;
}

const versionOf = (value: unknown): string => {
  const version = (value as { ignition?: { version?: unknown } } | null)?.ignition?.version;
  return typeof version === "string" ? version : "";
};
