import type { Report } from "../problem.js";
import type { Decoded, DecodedBootDevice, Fields } from "./decoded.js";
import type { Added } from "./layer.js";

/** Types of GPT partitions (uapi-group.org/specifications/specs/discoverable_partitions_specification; the PReP one: IBM). */
const partitionTypes = {
  bios: "21686148-6449-6E6F-744E-656564454649",
  prep: "9E1A2D38-C612-4316-AA26-8B49521E5A8B",
  esp: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
  reserved: "8DA63339-0007-60C0-C436-083AC8230908",
} as const;

/** As Fedora CoreOS's image has them. */
const sizesMiB = { bios: 1, prep: 4, esp: 127, reserved: 1, boot: 384 } as const;

type FirmwarePartition = keyof typeof partitionTypes;

/** Layout → the two partitions for the firmware that come first. */
const firmwarePartitions: Record<string, readonly [FirmwarePartition, FirmwarePartition]> = {
  x86_64: ["bios", "esp"],
  aarch64: ["reserved", "esp"],
  ppc64le: ["prep", "reserved"],
};

/** Layout → how its root disk's device is named, and the number of the root partition. */
const s390xDisks: Record<string, { name: RegExp; example: string; rootPartition: string }> = {
  "s390x-eckd": { name: /\/dev\/dasd[a-z]$/, example: "/dev/dasda", rootPartition: "2" },
  "s390x-zfcp": { name: /\/dev\/sd[a-z]$/, example: "/dev/sda", rootPartition: "4" },
};

export function checkBootDevice({ bootDevice }: Decoded, layouts: readonly string[], report: Report): void {
  if (!bootDevice) return;
  const { layout, luks, mirror } = bootDevice;
  const at = report.at("boot_device");
  const devices = mirror?.devices ?? [];
  const s390x = layout?.startsWith("s390x") ?? false;
  if (layout !== undefined && !layouts.includes(layout)) {
    at.at("layout").error(`unknown layout "${layout}": known are ${layouts.join(", ")}`);
  }
  const disk = s390xDisks[layout ?? ""];
  if (disk && !luks?.device) at.at("layout").error(`${layout} needs luks.device, e.g. ${disk.example}`);
  else if (disk && !disk.name.test(luks?.device ?? "")) {
    at.at("luks", "device").error(`a disk of ${layout} is named like ${disk.example}`);
  }
  if (s390x && devices.length > 0) at.at("mirror").error(`${layout} cannot be mirrored`);
  if (luks?.cex?.enabled) {
    if (!s390x) at.at("luks", "cex").error("cex needs a layout of s390x");
    if (luks.tpm2 || (luks.tang ?? []).length > 0) at.at("luks").error("cex excludes tang and tpm2");
  }
  if (devices.length === 1) at.at("mirror", "devices").error("a mirror needs two devices or more");
}

/** The disks, arrays, encryption and file systems that `boot_device` stands for, on Fedora CoreOS. */
export function bootDeviceEntries({ bootDevice = {} }: Decoded): Added[] {
  const { luks = {}, mirror, layout = "x86_64" } = bootDevice;
  const devices = mirror?.devices ?? [];
  const mirrored = devices.length > 0;
  const encrypted = Boolean(luks.tpm2 || luks.cex?.enabled) || (luks.tang ?? []).length > 0;
  if (!mirrored && !encrypted) return [];
  const root = encrypted ? "/dev/mapper/root" : "/dev/md/md-root";
  return [
    ...(mirrored ? mirrorEntries(devices, layout) : []),
    ...(encrypted ? [luksEntry(luks, layout, mirrored)] : []),
    added("filesystems", filesystem(root, "xfs", "root"), "boot_device"),
  ];
}

function mirrorEntries(devices: string[], layout: string): Added[] {
  const firmware = firmwarePartitions[layout]!;
  const perDisk = devices.flatMap((device, i) => {
    const from = ["boot_device", "mirror", "devices", i] as const;
    const number = i + 1;
    const disk = { device, wipeTable: true, partitions: partitions(firmware, number) };
    const esp = filesystem(`/dev/disk/by-partlabel/esp-${number}`, "vfat", `esp-${number}`);
    return [
      added("disks", disk, ...from),
      ...(firmware.includes("esp") ? [added("filesystems", esp, ...from)] : []),
    ];
  });
  const parts = (label: string) => devices.map((_, i) => `/dev/disk/by-partlabel/${label}-${i + 1}`);
  // The metadata of boot is at its end: GRUB for BIOS reads it without knowing of RAID.
  const boot = { devices: parts("boot"), level: "raid1", name: "md-boot", options: ["--metadata=1.0"] };
  const root = { devices: parts("root"), level: "raid1", name: "md-root" };
  return [
    ...perDisk,
    added("raid", boot, "boot_device", "mirror"),
    added("raid", root, "boot_device", "mirror"),
    added("filesystems", filesystem("/dev/md/md-boot", "ext4", "boot"), "boot_device", "mirror"),
  ];
}

const partitions = (firmware: readonly FirmwarePartition[], number: number): Fields[] => [
  ...firmware.map((kind) => ({
    label: `${kind}-${number}`,
    sizeMiB: sizesMiB[kind],
    typeGuid: partitionTypes[kind],
  })),
  { label: `boot-${number}`, sizeMiB: sizesMiB.boot },
  { label: `root-${number}` },
];

function luksEntry(luks: NonNullable<DecodedBootDevice["luks"]>, layout: string, mirrored: boolean): Added {
  const { tang, threshold, tpm2, discard, cex } = luks;
  const disk = s390xDisks[layout];
  const device = disk
    ? `${luks.device}${disk.rootPartition}`
    : mirrored
      ? "/dev/md/md-root"
      : "/dev/disk/by-partlabel/root";
  const key = cex?.enabled ? { cex } : { clevis: { tang, threshold, tpm2 } };
  const entry = { ...key, device, discard, label: "luks-root", name: "root", wipeVolume: true };
  return added("luks", entry, "boot_device", "luks");
}

const filesystem = (device: string, format: string, label: string): Fields => ({
  device,
  format,
  label,
  wipeFilesystem: true,
});

const added = (list: string, entry: Fields, ...from: Added["from"]): Added => ({
  list: ["storage", list],
  entry,
  from,
});
