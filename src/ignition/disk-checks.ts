import type { Report } from "./problem.js";
import { checkSource } from "./resource-checks.js";
import { checkPath } from "./storage-checks.js";

/** The parts of `storage` that shape disks, as the schema lets them through. */
export interface DiskStorage {
  disks?: { device?: string; wipeTable?: boolean; partitions?: Partition[] }[];
  raid?: { name?: string; level?: string; devices?: string[]; spares?: number }[];
  filesystems?: Filesystem[];
  luks?: Luks[];
}

interface Partition {
  label?: string;
  number?: number;
  sizeMiB?: number;
  startMiB?: number;
  typeGuid?: string;
  guid?: string;
  shouldExist?: boolean;
}

interface Filesystem {
  device?: string;
  format?: string;
  path?: string;
  wipeFilesystem?: boolean;
  label?: string;
  uuid?: string;
  options?: string[];
  mountOptions?: string[];
}

interface Luks {
  name?: string;
  device?: string;
  label?: string;
  keyFile?: { source?: string };
  clevis?: {
    tang?: { url?: string; thumbprint?: string; advertisement?: string }[];
    tpm2?: boolean;
    threshold?: number;
    custom?: { pin?: string; config?: string; needsNetwork?: boolean };
  };
  cex?: { enabled?: boolean };
}

export function checkDisks(storage: DiskStorage, report: Report, minor: number): void {
  for (const [i, disk] of (storage.disks ?? []).entries()) {
    const at = report.at("disks", i);
    checkPath(disk.device, at.at("device"));
    checkPartitions(disk.partitions ?? [], at);
  }
  for (const [i, raid] of (storage.raid ?? []).entries()) {
    checkRaidLevel(raid, report.at("raid", i, "level"));
    if ((raid.devices ?? []).length === 0) report.at("raid", i, "devices").error("an array needs devices");
    for (const [j, device] of (raid.devices ?? []).entries()) {
      checkPath(device, report.at("raid", i, "devices", j));
    }
  }
  for (const [i, filesystem] of (storage.filesystems ?? []).entries()) {
    checkFilesystem(filesystem, storage, report.at("filesystems", i), minor);
  }
  for (const [i, luks] of (storage.luks ?? []).entries()) checkLuks(luks, report.at("luks", i), minor);
}

const guid = /^(|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/i;

function checkPartitions(partitions: Partition[], report: Report): void {
  const numbers = new Set<number>();
  const labels = new Set<string>();
  for (const [i, partition] of partitions.entries()) {
    const at = report.at("partitions", i);
    const { number = 0, label, shouldExist, startMiB, sizeMiB, typeGuid, guid: id } = partition;
    if (
      shouldExist === false &&
      (label !== undefined || startMiB !== undefined || sizeMiB !== undefined || typeGuid || id)
    ) {
      at.error("shouldExist is false, and yet other properties are given");
    }
    if (number === 0 && label === undefined) at.error("a partition needs a number or a label");
    if (number !== 0 && numbers.has(number)) at.error(`another partition has the number ${number}`);
    if (label !== undefined && labels.has(label)) at.error(`another partition has the label ${label}`);
    numbers.add(number);
    if (label !== undefined) labels.add(label);
    if (label !== undefined && Buffer.byteLength(label) > 36)
      at.at("label").error("a label has 36 characters at most");
    else if (label?.includes(":")) at.at("label").error("a label with a colon would be cut short");
    if (id !== undefined && !guid.test(id)) at.at("guid").error("not a GUID");
    if (typeGuid !== undefined && !guid.test(typeGuid)) at.at("typeGuid").error("not a GUID");
    if (partitions.some((other, j) => j < i && overlap(partition, other)))
      at.error("overlaps another partition");
  }
  const missing = partitions.some(({ shouldExist }) => shouldExist === false);
  if (missing && partitions.some(({ number = 0 }) => number === 0)) {
    report.at("partitions").error("partitions that should not exist need every partition to have a number");
  }
}

/** Starts of 0 are placed by the tool: nothing is known of them. */
function overlap(a: Partition, b: Partition): boolean {
  const range = ({ startMiB, sizeMiB }: Partition) =>
    startMiB && sizeMiB !== undefined ? [startMiB, startMiB + Math.max(sizeMiB - 1, 0)] : undefined;
  const [first, second] = [range(a), range(b)];
  return first !== undefined && second !== undefined && first[0]! <= second[1]! && second[0]! <= first[1]!;
}

const raidLevels = ["raid1", "1", "mirror", "raid4", "4", "raid5", "5", "raid6", "6", "raid10", "10"];
const raidLevelsWithoutSpares = ["linear", "raid0", "0", "stripe"];

function checkRaidLevel({ level, spares = 0 }: { level?: string; spares?: number }, report: Report): void {
  if (!level) report.error("an array needs a level");
  else if (raidLevelsWithoutSpares.includes(level)) {
    if (spares !== 0) report.error(`${level} has no spares`);
  } else if (!raidLevels.includes(level)) report.error(`unknown level "${level}"`);
}

/** Format → how long its label may be (the manual pages of mkfs.ext4, mkfs.btrfs, mkfs.xfs, mkswap, mkfs.fat). */
const labelBytes: Record<string, number> = { ext4: 16, btrfs: 256, xfs: 12, swap: 15, vfat: 11 };

function checkFilesystem(filesystem: Filesystem, storage: DiskStorage, report: Report, minor: number): void {
  const { device, format, path, label, uuid, wipeFilesystem, options = [], mountOptions = [] } = filesystem;
  checkPath(device, report.at("device"));
  if (path) checkPath(path, report.at("path"));
  const formats = [...Object.keys(labelBytes), ...(minor >= 3 ? ["none"] : [])];
  if (!format) {
    if (path || label || uuid || wipeFilesystem || options.length + mountOptions.length > 0) {
      report.at("format").error("a format is needed when anything else is given");
    }
  } else if (!formats.includes(format)) {
    report.at("format").error(`unknown format "${format}": known are ${formats.join(", ")}`);
  }
  const limit = labelBytes[format ?? ""];
  if (label && limit !== undefined && Buffer.byteLength(label) > limit) {
    report.at("label").error(`a label of ${format} has ${limit} bytes at most`);
  }
  const disk = storage.disks?.find((candidate) => candidate.device === device);
  if (disk?.partitions?.length) report.at("device").warn("the file system overwrites a partitioned device");
  else if (disk?.wipeTable && !wipeFilesystem) report.at("device").warn("the disk's wipeTable wipes it too");
}

function checkLuks(luks: Luks, report: Report, minor: number): void {
  const { name, device, label, keyFile, clevis, cex } = luks;
  if (name?.includes("/")) report.at("name").error("a device name has no slash");
  checkPath(device, report.at("device"));
  if (label && Buffer.byteLength(label) > 47)
    report.at("label").error("a label of LUKS has 47 bytes at most");
  if (keyFile?.source) checkSource(keyFile.source, report.at("keyFile", "source"), minor);
  const pins = Boolean(clevis?.tang?.length || clevis?.tpm2 || clevis?.threshold);
  const custom = clevis?.custom;
  if (custom?.pin && pins) report.at("clevis").error("custom excludes tang, tpm2 and threshold");
  if (custom?.pin || custom?.config || custom?.needsNetwork) {
    const at = report.at("clevis", "custom");
    if (!custom.pin) at.at("pin").error("a pin is needed");
    else if (!["tpm2", "tang", "sss"].includes(custom.pin)) at.at("pin").error(`unknown pin "${custom.pin}"`);
    if (!custom.config) at.at("config").error("a config is needed");
  }
  for (const [i, { url, thumbprint, advertisement }] of (clevis?.tang ?? []).entries()) {
    const at = report.at("clevis", "tang", i);
    if (!/^https?:/.test(url ?? "")) at.at("url").error("an http or https URL is needed");
    if (!thumbprint) at.at("thumbprint").error("a thumbprint is needed");
    if (advertisement && !isJson(advertisement)) at.at("advertisement").error("not JSON");
  }
  if (cex?.enabled && (custom?.pin || pins)) report.at("cex").error("cex excludes clevis");
  if (cex?.enabled && keyFile?.source) report.at("cex").error("cex excludes a key file");
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
