import type { IgnitionConfig } from "../config.js";
import type { Report } from "../problem.js";
import { checkBootDevice } from "./boot-device.js";
import type { Decoded, Fields } from "./decoded.js";
import { checkGrub } from "./grub.js";
import { checkDecimalMode } from "./modes.js";
import { checkMountUnits } from "./mount-units.js";
import type { Variant } from "./variants.js";

/** What Butane asks of a config beyond Ignition's own rules. Paths are those of the YAML. */
export function checkDecoded(config: Decoded, { minor, features }: Variant, report: Report): void {
  for (const list of ["files", "directories"] as const) {
    for (const [i, { mode }] of (config.storage?.[list] ?? []).entries()) {
      const at = report.at("storage", list, i, "mode");
      if (mode !== undefined) checkDecimalMode(mode, { directory: list === "directories" }, at);
    }
  }
  checkMountUnits(config, minor, report);
  checkBootDevice(config, features.layouts ?? [], report);
  checkGrub(config, report);
  if (features.strictMounts) checkMountsStrictly(config, report);
}

/** Fedora CoreOS's boot disk, whatever its name is. */
const bootDisk = "/dev/disk/by-id/coreos-boot-disk";

function checkMountsStrictly({ storage }: Decoded, report: Report): void {
  for (const [i, { device, wipeTable, partitions = [] }] of (storage?.disks ?? []).entries()) {
    if (device === bootDisk || wipeTable) continue;
    for (const [j, { number, label }] of partitions.entries()) {
      if (number || label === undefined) continue;
      report
        .at("storage", "disks", i, "partitions", j)
        .warn("a partition is not found again by its label: give its number, or wipe_table");
    }
  }
  for (const [i, { path, withMountUnit }] of (storage?.filesystems ?? []).entries()) {
    if (withMountUnit && path !== undefined && !/^\/(etc|var)(\/|$)/.test(path)) {
      report.at("storage", "filesystems", i, "path").error("with_mount_unit mounts below /etc and /var only");
    }
  }
}

/** The labels of Fedora CoreOS's own partitions, and their numbers. */
const reservedLabels: Record<string, number> = {
  "BIOS-BOOT": 1,
  "PowerPC-PReP-boot": 1,
  "EFI-SYSTEM": 2,
  boot: 3,
  root: 4,
};

/** Looks for what the variant's system cannot do, or does otherwise than it seems. Paths are those of the Ignition config. */
export function checkTranslated(
  config: IgnitionConfig,
  { forbidden, features }: Variant,
  report: Report,
): void {
  for (const [path, why] of Object.entries(forbidden)) checkForbidden(config, path.split("."), why, report);
  if (!features.bootDisk) return;
  for (const [i, { wipeTable, partitions }] of ((config.storage?.disks ?? []) as Disk[]).entries()) {
    for (const [j, { label = "", number }] of (wipeTable ? [] : (partitions ?? [])).entries()) {
      const reserved = Object.hasOwn(reservedLabels, label) ? reservedLabels[label] : undefined;
      if (reserved === undefined || number === reserved) continue;
      report
        .at("storage", "disks", i, "partitions", j, "label")
        .warn(`"${label}" is the system's own partition ${reserved}: this makes another one`);
    }
  }
}

interface Disk {
  wipeTable?: boolean;
  partitions?: { label?: string; number?: number }[];
}

function checkForbidden(value: unknown, path: string[], why: string, report: Report): void {
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) checkForbidden(item, path, why, report.at(i));
    return;
  }
  const [key, ...rest] = path;
  if (key === undefined) {
    if (!isEmpty(value)) report.error(why);
  } else if (typeof value === "object" && value !== null && key in value) {
    const child = (value as Fields)[key];
    if (rest.length > 0) checkForbidden(child, rest, why, report.at(key));
    else if (!isEmpty(child)) report.at(key).error(why);
  }
}

/** Nothing, or nothing but what is empty. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.values(value).every(isEmpty);
}
