/** A Butane config as `decode.ts` reads it: Ignition's fields, and what Butane adds. Keys are in camelCase. */
export interface Decoded {
  variant?: string;
  version?: string;
  ignition?: Fields;
  kernelArguments?: Fields;
  passwd?: { users?: DecodedUser[]; groups?: Fields[] };
  storage?: {
    files?: (Fields & { mode?: number })[];
    directories?: (Fields & { mode?: number })[];
    links?: Fields[];
    disks?: DecodedDisk[];
    raid?: Fields[];
    filesystems?: DecodedFilesystem[];
    luks?: { name?: string; clevis?: { tang?: Fields[] } }[];
    trees?: DecodedTree[];
  };
  systemd?: { units?: Fields[] };
  bootDevice?: DecodedBootDevice;
  grub?: { users?: { name?: string; passwordHash?: string }[] };
}

export type Fields = Record<string, unknown>;

interface DecodedUser extends Fields {
  sshAuthorizedKeys?: string[];
  sshAuthorizedKeysLocal?: string[];
}

interface DecodedDisk extends Fields {
  device?: string;
  wipeTable?: boolean;
  partitions?: { label?: string; number?: number }[];
}

export interface DecodedFilesystem extends Fields {
  device?: string;
  format?: string;
  path?: string;
  mountOptions?: string[];
  withMountUnit?: boolean;
}

export interface DecodedTree {
  local?: string;
  path?: string;
}

export interface DecodedBootDevice {
  layout?: string;
  luks?: {
    tang?: Fields[];
    threshold?: number;
    tpm2?: boolean;
    discard?: boolean;
    cex?: { enabled?: boolean };
    device?: string;
  };
  mirror?: { devices?: string[] };
}
