import { flag, integer, listOf, object, type Shape, text } from "./shape.js";

/** One version of a Butane variant. */
export interface Variant {
  name: string;
  version: string;
  /** It becomes Ignition 3.`minor`. */
  minor: number;
  /** What only this variant has, beside the common part. */
  fields: Record<string, Shape>;
  /** Parts of Ignition that its system does not support: `storage.luks` → why. */
  forbidden: Record<string, string>;
  features: {
    /** Fedora CoreOS's partition labels and, from 1.3, its boot disk. */
    bootDisk?: boolean;
    /** Layouts of the boot device. */
    layouts?: readonly string[];
    /** From fcos 1.6: mount points below /etc and /var only, and a warning for partitions that are found by label. */
    strictMounts?: boolean;
  };
}

const tang = (minor: number) =>
  listOf(object({ url: text, thumbprint: text, ...(minor >= 4 ? { advertisement: text } : {}) }));

const bootDevice = (minor: number): Shape =>
  object({
    layout: text,
    luks: object({
      tang: tang(minor),
      threshold: integer,
      tpm2: flag,
      ...(minor >= 4 ? { discard: flag } : {}),
      ...(minor >= 5 ? { cex: object({ enabled: flag }), device: text } : {}),
    }),
    mirror: object({ devices: listOf(text) }),
  });

const grub = object({ users: listOf(object({ name: text, password_hash: text })) });

const layouts = ["aarch64", "ppc64le", "x86_64"];
const s390xLayouts = ["s390x-eckd", "s390x-virt", "s390x-zfcp"];

function fcos(version: string, minor: number): Variant {
  const withBootDevice = !["1.0.0", "1.1.0", "1.2.0"].includes(version);
  return {
    name: "fcos",
    version,
    minor,
    fields: {
      ...(withBootDevice ? { boot_device: bootDevice(minor) } : {}),
      ...(minor >= 4 ? { grub } : {}),
    },
    forbidden: {},
    features: {
      bootDisk: true,
      layouts: minor >= 5 ? [...layouts, ...s390xLayouts] : layouts,
      strictMounts: minor >= 5,
    },
  };
}

/** Flatcar's initramfs has no clevis. */
const flatcar = (version: string, minor: number): Variant => ({
  name: "flatcar",
  version,
  minor,
  fields: {},
  forbidden: { "storage.luks.clevis": "Flatcar has no clevis: use a key file" },
  features: {},
});

/** Systems whose disks are made when their image is: RHEL for Edge and Fedora IoT. */
const edge = (name: string, system: string, version: string, minor: number): Variant => ({
  name,
  version,
  minor,
  fields: {},
  forbidden: Object.fromEntries(
    ["kernelArguments", "storage.disks", "storage.filesystems", "storage.luks", "storage.raid"].map(
      (path) => [path, `${system} does not support it`],
    ),
  ),
  features: {},
});

const variants: readonly Variant[] = [
  fcos("1.0.0", 0),
  fcos("1.1.0", 1),
  fcos("1.2.0", 2),
  fcos("1.3.0", 2),
  fcos("1.4.0", 3),
  fcos("1.5.0", 4),
  fcos("1.6.0", 5),
  flatcar("1.0.0", 3),
  flatcar("1.1.0", 4),
  edge("r4e", "RHEL for Edge", "1.0.0", 3),
  edge("r4e", "RHEL for Edge", "1.1.0", 4),
  edge("fiot", "Fedora IoT", "1.0.0", 4),
];

/** @returns a message that says what there is where there is no such variant. */
export function findVariant(name: string, version: string): Variant | string {
  const versions = variants.filter((variant) => variant.name === name);
  if (versions.length === 0) {
    const names = [...new Set(variants.map((variant) => variant.name))];
    return `unknown variant "${name}": known are ${names.join(", ")}`;
  }
  const found = versions.find((variant) => variant.version === version);
  return (
    found ??
    `unknown version "${version}" of ${name}: known are ${versions.map((one) => one.version).join(", ")}`
  );
}
