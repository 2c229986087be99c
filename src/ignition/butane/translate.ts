import type { IgnitionConfig } from "../config.js";
import { translateContainerLinux } from "../legacy/container-linux.js";
import { containerLinuxShape } from "../legacy/container-linux-shape.js";
import type { LocatedProblem } from "../parse.js";
import { type Problem, Report } from "../problem.js";
import { validateIgnition } from "../validate.js";
import { withoutEmpty } from "../without-empty.js";
import { bootDeviceEntries } from "./boot-device.js";
import { checkDecoded, checkTranslated } from "./checks.js";
import { toIgnition } from "./contents.js";
import { decodeYaml } from "./decode.js";
import type { Decoded } from "./decoded.js";
import type { LocalFiles } from "./embed.js";
import { grubEntries } from "./grub.js";
import { underneath } from "./layer.js";
import { mountUnits } from "./mount-units.js";
import { originOf, type Translation } from "./origin.js";
import { baseShape, type ObjectShape, object, text } from "./shape.js";
import { addTrees } from "./trees.js";
import { findVariant, type Variant } from "./variants.js";
import { YamlSource } from "./yaml-source.js";

export interface ButaneOptions extends LocalFiles {
  /** What problems call the file. */
  file: string;
}

export interface ButaneTranslation {
  /** Undefined when there are errors. */
  config: IgnitionConfig | undefined;
  /** With the line and column of the YAML, and the path there. */
  problems: LocatedProblem[];
}

/**
 * Translates a Butane config (coreos.github.io/butane) to the Ignition config of its variant's spec, as butane 0.23 does.
 * Without the options' functions `local`, `contents_local`, `ssh_authorized_keys_local` and `trees` are errors.
 */
export function translateButane(yamlText: string, options: ButaneOptions): ButaneTranslation {
  const source = new YamlSource(yamlText, options.file);
  const report = new Report();
  const config = hasErrors(source.problems) ? undefined : translateSource(source, options, report);
  const problems = [...source.problems, ...source.locate(report.problems)];
  return { config: hasErrors(problems) ? undefined : config, problems };
}

function translateSource(
  source: YamlSource,
  options: ButaneOptions,
  report: Report,
): IgnitionConfig | undefined {
  if (isContainerLinux(source)) return translateContainerLinux(source, options, report);
  const variant = readVariant(source, report);
  if (!variant) return undefined;
  const decoded = (decodeYaml(source.root, shapeOf(variant), source, report) ?? {}) as Decoded;
  if (hasErrors([...report.problems, ...source.problems])) return undefined;
  return translateDecoded(decoded, variant, source, options, report);
}

const shapes = new Map<Variant, ObjectShape>();

function shapeOf(variant: Variant): ObjectShape {
  const shape = shapes.get(variant) ?? object({ ...baseShape(variant.minor), ...variant.fields });
  shapes.set(variant, shape);
  return shape;
}

const containerLinuxSections = Object.keys(containerLinuxShape.fields);

/** A config from before Butane says nowhere what it is. */
function isContainerLinux(source: YamlSource): boolean {
  const has = (...path: string[]) => source.has(path);
  if (has("variant") || has("version") || has("ignition", "version")) return false;
  return containerLinuxSections.some((section) => has(section));
}

function readVariant(source: YamlSource, report: Report): Variant | undefined {
  const head = new Report(); // of the other keys nothing is known yet
  const { variant, version } = (decodeYaml(
    source.root,
    object({ variant: text, version: text }),
    source,
    head,
  ) ?? {}) as { variant?: string; version?: string };
  report.problems.push(...head.problems.filter(({ severity }) => severity === "error"));
  if (hasErrors(report.problems)) return undefined;
  if (source.has(["ignition", "version"])) {
    report.at("ignition", "version").error("this is an Ignition config already, not a Butane one");
  } else if (!variant) report.at("variant").error("variant is missing; e.g. fcos or flatcar");
  else if (!version) report.at("version").error("version is missing; e.g. 1.5.0");
  else {
    const found = findVariant(variant, version);
    if (typeof found !== "string") return found;
    report.at(found.startsWith("unknown variant") ? "variant" : "version").error(found);
  }
  return undefined;
}

function translateDecoded(
  decoded: Decoded,
  variant: Variant,
  source: YamlSource,
  options: ButaneOptions,
  report: Report,
): IgnitionConfig | undefined {
  const { minor } = variant;
  checkDecoded(decoded, variant, report);
  const own = toIgnition(decoded, minor, options, report);
  if (hasErrors(report.problems)) return undefined;
  const units = mountUnits(decoded, minor);
  const mounted = underneath(units, structuredClone(own));
  const trees = addTrees(decoded, mounted, options, report);
  if (hasErrors(report.problems)) return undefined;
  const disks = bootDeviceEntries(decoded);
  const booted = underneath(disks, mounted);
  const users = grubEntries(decoded);
  const result = withoutEmpty(underneath(users, booted)) as IgnitionConfig;

  const found = new Report();
  checkTranslated(result, variant, found);
  const { config, problems } = validateIgnition(result);
  const translation: Translation = { result, own, added: [...units, ...trees, ...disks, ...users], source };
  for (const problem of [...found.problems, ...problems]) {
    report.problems.push({ ...problem, path: originOf(problem.path, translation) });
  }
  return config;
}

const hasErrors = (problems: Problem[]): boolean => problems.some(({ severity }) => severity === "error");
