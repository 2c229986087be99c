import type { z } from "zod";
import type { IgnitionConfig, IgnitionResource } from "./config.js";
import { isDeeperThan } from "./depth.js";
import { checkDisks, type DiskStorage } from "./disk-checks.js";
import { checkDuplicates } from "./duplicates.js";
import { type Problem, Report } from "./problem.js";
import { checkRequiredResource, checkResource } from "./resource-checks.js";
import { configSchema } from "./schema.js";
import { checkNodes } from "./storage-checks.js";
import { checkUnitPaths, checkUnits } from "./systemd-checks.js";

/** The newest stable spec that ignition 2.24 and we know is 3.5. */
const newestMinor = 5;

export interface Validation {
  /** Undefined when there are errors. Holds what the spec knows: no unknown keys, no nulls. */
  config: IgnitionConfig | undefined;
  problems: Problem[];
}

/**
 * Checks a config, spec 3.0 to 3.5, as ignition 2.24 does, and in a few places more strictly where Ignition would only
 * fail later, on the machine (hexadecimal hashes, negative ids, slashes in unit names).
 */
export function validateIgnition(document: unknown): Validation {
  const report = new Report();
  const value = cleanDocument(document, report);
  const minor = specMinor(value, report);
  if (minor === undefined) return { config: undefined, problems: report.problems };
  const config = parseShape(value, configSchema(minor), report) as IgnitionConfig | undefined;
  if (config) {
    checkDuplicates(config, report);
    checkIgnition(config.ignition, report.at("ignition"), minor);
    checkNodes(config.storage ?? {}, report.at("storage"), minor);
    checkDisks((config.storage ?? {}) as DiskStorage, report.at("storage"), minor);
    checkUnits(config.systemd?.units ?? [], report.at("systemd"));
    checkUnitPaths(config, report);
    checkPasswd(config.passwd ?? {}, report.at("passwd"));
  }
  const failed = report.problems.some(({ severity }) => severity === "error");
  return { config: failed ? undefined : config, problems: report.problems };
}

/** A config has about ten levels; the stack is good for some thousands. */
const maxDepth = 500;

/** A copy without nulls, which in Ignition's JSON are the same as nothing; undefined with an error when it is too deep. */
export function cleanDocument(document: unknown, report: Report): unknown {
  if (!isDeeperThan(document, maxDepth)) return withoutNulls(document);
  report.error("nested too deeply");
  return undefined;
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== null)
      .map(([key, child]) => [key, withoutNulls(child)]),
  );
}

function specMinor(document: unknown, report: Report): number | undefined {
  const ignition = (document as { ignition?: { version?: unknown } } | undefined)?.ignition;
  const version = ignition?.version;
  if (report.problems.length > 0) return undefined;
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    report.error("an Ignition config is a JSON object");
  } else if (typeof version !== "string") {
    report.at("ignition", "version").error('ignition.version is missing; e.g. "3.4.0"');
  } else {
    const match = /^3\.(\d+)\.0$/.exec(version);
    if (match && Number(match[1]) <= newestMinor) return Number(match[1]);
    const old = /^2\./.test(version) ? "; slipway ignition upgrade makes 3.4 of 2.x" : "";
    report
      .at("ignition", "version")
      .error(`unsupported spec version "${version}": 3.0.0 to 3.${newestMinor}.0 are known${old}`);
  }
  return undefined;
}

/**
 * Types and unknown keys. Unknown keys are warnings, and dropped.
 *
 * @param value from `cleanDocument`: it may be changed
 */
export function parseShape<T>(value: unknown, schema: z.ZodType<T>, report: Report): T | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  let failed = false;
  for (const issue of result.error.issues) {
    const at = report.at(...(issue.path as Problem["path"]));
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) at.at(key).warn(`unknown key "${key}": it is ignored`);
      dropKeys(value, issue.path, issue.keys);
    } else {
      failed = true;
      at.error(issue.code === "invalid_type" ? `must be ${article(issue.expected)}` : issue.message);
    }
  }
  return failed ? undefined : parseShape(value, schema, report);
}

/** Every number of the spec is an integer. */
const article = (type: string): string =>
  type === "number" || type === "int" ? "an integer" : /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;

/** `value` is our own copy (`cleanDocument`). */
function dropKeys(value: unknown, path: PropertyKey[], keys: string[]): void {
  const owner = path.reduce((at, key) => (at as Record<PropertyKey, unknown>)[key], value);
  for (const key of keys) delete (owner as Record<string, unknown>)[key];
}

function checkIgnition(ignition: IgnitionConfig["ignition"], report: Report, minor: number): void {
  const { config, security, proxy } = ignition;
  const authorities: IgnitionResource[] = security?.tls?.certificateAuthorities ?? [];
  for (const [i, other] of (config?.merge ?? []).entries()) {
    checkRequiredResource(other, report.at("config", "merge", i), minor);
  }
  if (config?.replace) checkResource(config.replace, report.at("config", "replace"), minor);
  for (const [i, authority] of authorities.entries()) {
    checkRequiredResource(authority, report.at("security", "tls", "certificateAuthorities", i), minor);
  }
  for (const key of ["httpProxy", "httpsProxy"] as const) {
    const url = proxy?.[key];
    if (url === undefined) continue;
    if (!/^https?:/.test(url) || !URL.canParse(url))
      report.at("proxy", key).error("a proxy has an http or https URL");
    else if (key === "httpsProxy" && url.startsWith("http:")) {
      report.at("proxy", key).warn("HTTPS resources go through a proxy without encryption");
    }
  }
}

function checkPasswd(
  { users = [], groups = [] }: NonNullable<IgnitionConfig["passwd"]>,
  report: Report,
): void {
  for (const [list, entries] of Object.entries({ users, groups })) {
    for (const [i, { name }] of entries.entries()) {
      if (!name) report.at(list, i, "name").error("the name is missing");
      else if (/[:\n/]/.test(name))
        report.at(list, i, "name").error("the name has a colon, slash or newline");
    }
  }
}
