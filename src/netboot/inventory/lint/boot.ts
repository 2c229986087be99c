import { stat } from "node:fs/promises";
import { join, normalize, posix } from "node:path";
import type { Snapshot } from "../snapshot.js";
import type { BootProfile } from "../types.js";
import type { Find, Finding } from "./finding.js";

/** Files that boot profiles name: whether they are there, and whether kernel and initrd go together. */
export async function findBoot(snapshot: Snapshot, find: Find): Promise<void> {
  for (const profile of snapshot.profiles.values()) {
    const { kernel, initrd } = profile.boot;
    const warn = (check: string, field: Finding["field"], message: string) =>
      find({ severity: "warning", check, subject: { profile }, field, message });
    if (kernel === undefined)
      warn("no-kernel", [], `the boot profile ${profile.id} has no kernel, so nothing boots by it`);
    else await findAsset(snapshot, profile, kernel, ["boot", "kernel"], find);
    for (const [i, path] of initrd.entries())
      await findAsset(snapshot, profile, path, ["boot", "initrd", i], find);
    findInitrdArguments(profile, warn);
    findConfigArgument(profile, warn);
  }
  await findBootFiles(snapshot, find);
}

async function findBootFiles({ bootFiles, machines }: Snapshot, find: Find): Promise<void> {
  const missing = (subject: Finding["subject"], field: Finding["field"], path: string) =>
    find({
      severity: "error",
      check: "missing-file",
      subject,
      field,
      message: `there is no boot file ${path}`,
    });
  for (const [firmware, { directory, path, place }] of Object.entries(bootFiles)) {
    if (await isFile(join(directory, path))) continue;
    missing({ place }, ["bootFiles", firmware], path);
  }
  for (const machine of machines.byName.values()) {
    const { bootFile } = machine;
    if (bootFile && !(await isFile(join(bootFile.directory, bootFile.path)))) {
      missing({ machine }, ["bootFile"], bootFile.path);
    }
  }
}

async function findAsset(
  { assets, settings }: Snapshot,
  profile: BootProfile,
  url: string,
  field: Finding["field"],
  find: Find,
): Promise<void> {
  const path = assetPath(url, settings.http.url);
  if (path === undefined) return;
  const missing = (message: string) =>
    find({ severity: "error", check: "missing-asset", subject: { profile }, field, message });
  if (assets === undefined) missing(`${url} is an asset, and there is no assets directory`);
  else if (!(await isFile(join(assets, normalize(`/${path}`))))) missing(`there is no asset ${path}`);
}

/** Below `/assets/` of this server; undefined for other servers, and for what iPXE fills in (`${arch}`). */
function assetPath(url: string, own: string | undefined): string | undefined {
  if (url.includes("${")) return undefined;
  const local = own !== undefined && url.startsWith(own) ? url.slice(own.replace(/\/$/, "").length) : url;
  // A relative URL is meant from the script's, which is at the root.
  return /^\/?assets\/(.+)$/.exec(local.replace(/[?#].*$/, ""))?.[1];
}

const isFile = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isFile() ?? false;

type Warn = (check: string, field: Finding["field"], message: string) => void;

/** Under UEFI the kernel finds its initrd by the argument `initrd=<name>` alone (matchbox issue 674). */
function findInitrdArguments({ boot }: BootProfile, warn: Warn): void {
  if (boot.initrd.length === 0) return;
  const names = boot.initrd.map(initrdName);
  const said = boot.args.flatMap((arg, i) => (arg.startsWith("initrd=") ? [{ i, name: arg.slice(7) }] : []));
  if (said.length === 0) {
    warn(
      "initrd-argument",
      ["boot", "args"],
      `UEFI machines find no initrd without the argument initrd=${names[0]}`,
    );
  }
  for (const { i, name } of said) {
    if (names.includes(name)) continue;
    warn(
      "initrd-argument",
      ["boot", "args", i],
      `no initrd is called ${name}; there ${names.length === 1 ? "is" : "are"} ${names.join(", ")}`,
    );
  }
}

/** iPXE names an image after its URL's last part, or by `--name`. */
const initrdName = (initrd: string): string =>
  /^--name[ =](\S+)/.exec(initrd)?.[1] ??
  posix.basename(
    initrd
      .trim()
      .split(/\s+/)
      .at(-1)!
      .replace(/[?#].*$/, ""),
  );

/** `ignition.config.url=…/ignition`, and as Flatcar and Container Linux have it. */
function findConfigArgument({ id, boot, ignitionId }: BootProfile, warn: Warn): void {
  const at = boot.args.findIndex((arg) =>
    /^(ignition|flatcar|coreos)\.config\.url=.*\/ignition(\?|$)/.test(arg),
  );
  if (at === -1 || ignitionId !== undefined) return;
  warn(
    "no-ignition",
    ["boot", "args", at],
    `asks this server for an Ignition config, and the boot profile ${id} has none`,
  );
}
