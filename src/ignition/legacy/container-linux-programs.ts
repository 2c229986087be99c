import type { IgnitionConfig, IgnitionUnit } from "../config.js";
import { encodeDataUrl } from "../data-url.js";
import type { Report } from "../problem.js";
import type { Converted } from "./v2-convert.js";

/** The sections of a Container Linux Config that configure programs of Container Linux. */
export interface ContainerLinuxPrograms {
  docker?: { flags?: string[] };
  update?: { group?: string; server?: string };
  locksmith?: Record<string, string>;
  etcd?: unknown;
  flannel?: unknown;
}

/** Adds to a converted config what its sections for programs become on Flatcar, Container Linux's successor. */
export function addPrograms(
  programs: ContainerLinuxPrograms,
  { config, origins }: Converted,
  report: Report,
): void {
  for (const name of ["etcd", "flannel"] as const) {
    if (programs[name] === undefined) continue;
    report.at(name).error(`Container Linux's wrapper for ${name} is gone: write a unit that runs ${name}`);
  }
  if (programs.docker) {
    report.at("docker").warn("docker is now a drop-in of docker.service, 20-slipway-docker.conf");
    addDockerFlags(programs.docker.flags ?? [], config, origins);
  }
  addUpdateConfig(programs, config, origins, report);
}

function addDockerFlags(flags: string[], config: IgnitionConfig, origins: Converted["origins"]): void {
  const contents = `[Service]\nEnvironment="DOCKER_OPTS=${flags.join(" ")}"\n`;
  const dropin = { name: "20-slipway-docker.conf", contents };
  const units = config.systemd?.units ?? [];
  const known = units.find(({ name }) => name === "docker.service");
  if (known) {
    known.dropins = [...(known.dropins ?? []), dropin];
    known.enabled ??= true;
    return;
  }
  const unit: IgnitionUnit = { name: "docker.service", enabled: true, dropins: [dropin] };
  origins.set(unit, ["docker"]);
  config.systemd = { units: [...units, unit] };
}

const updateFile = "/etc/flatcar/update.conf";

/** Field of `locksmith` → locksmithd's variable. */
const locksmithVariables: Record<string, string> = {
  rebootStrategy: "REBOOT_STRATEGY",
  windowStart: "LOCKSMITHD_REBOOT_WINDOW_START",
  windowLength: "LOCKSMITHD_REBOOT_WINDOW_LENGTH",
  group: "LOCKSMITHD_GROUP",
  etcdEndpoints: "LOCKSMITHD_ENDPOINT",
  etcdCafile: "LOCKSMITHD_ETCD_CAFILE",
  etcdCertfile: "LOCKSMITHD_ETCD_CERTFILE",
  etcdKeyfile: "LOCKSMITHD_ETCD_KEYFILE",
};

function addUpdateConfig(
  { update, locksmith }: ContainerLinuxPrograms,
  config: IgnitionConfig,
  origins: Converted["origins"],
  report: Report,
): void {
  if (locksmith) checkLocksmith(locksmith, report.at("locksmith"));
  const lines = [
    ...(update?.group ? [`GROUP=${update.group.toLowerCase()}`] : []),
    ...(update?.server ? [`SERVER=${update.server}`] : []),
    ...Object.entries(locksmith ?? {}).map(
      ([key, value]) => `${locksmithVariables[key]}=${JSON.stringify(value)}`,
    ),
  ];
  if (lines.length === 0) return;
  const section = update ? "update" : "locksmith";
  report
    .at(section)
    .warn(`${update && locksmith ? "update and locksmith are" : `${section} is`} now ${updateFile}`);
  const contents = { source: encodeDataUrl(`${lines.join("\n")}\n`) };
  const file = { path: updateFile, mode: 0o644, overwrite: true, contents };
  origins.set(file, [section]);
  config.storage = { ...config.storage, files: [...(config.storage?.files ?? []), file] };
}

const strategies = ["reboot", "etcd-lock", "off"];

function checkLocksmith(locksmith: Record<string, string>, report: Report): void {
  const { rebootStrategy, windowStart, windowLength } = locksmith;
  if (rebootStrategy && !strategies.includes(rebootStrategy.toLowerCase())) {
    report
      .at("rebootStrategy")
      .error(`unknown strategy "${rebootStrategy}": known are ${strategies.join(", ")}`);
  }
  if (Boolean(windowStart) !== Boolean(windowLength)) {
    report.error("window_start and window_length belong together");
  }
  if (
    windowStart &&
    !/^(?:(?:sun|mon|tue|wed|thu|fri|sat)\s+)?([01]?\d|2[0-3]):[0-5]\d$/i.test(windowStart)
  ) {
    report.at("windowStart").error(`not a time of the day or week: "${windowStart}"; e.g. Sun 14:30`);
  }
  if (windowLength && !/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(windowLength)) {
    report.at("windowLength").error(`not a duration: "${windowLength}"; e.g. 1h30m`);
  }
}
