/** What a boot server knows: of its network, its machines, and what each of them boots. Plain data; nothing here acts. */

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** What a machine says of itself in a request's query: `mac`, `uuid`, `arch`, …; `mac` in lower case with colons. */
export type Labels = Readonly<Record<string, string>>;

/** Where something was written down: `groups/node1.json:5:3`. */
export interface Place {
  file: string;
  line?: number;
  column?: number;
}

/** Which machines (a selector: all of these labels, exactly) boot which boot profile. Matchbox's `groups/<id>.json`. */
export interface Group {
  id: string;
  name?: string;
  /** Id of a boot profile. */
  profile: string;
  /** Empty: the default group. A `mac` is in lower case with colons. */
  selector: Labels;
  /** For the templates. */
  metadata: Record<string, JsonValue>;
  /** Once it has reported that it is installed, a machine boots from its disk. @default the boot profile's */
  install?: "once";
  place: Place;
}

/** What a machine boots. Matchbox's `profiles/<id>.json`. */
export interface BootProfile {
  id: string;
  name?: string;
  boot: { kernel?: string; initrd: string[]; args: string[] };
  /** File names in `ignition/`, `cloud/`, `generic/`. */
  ignitionId?: string;
  cloudId?: string;
  genericId?: string;
  /** Once it has reported that it is installed, a machine boots from its disk. */
  install?: "once";
  /** Its configurations hold secrets: each is given once, for a token that comes with the boot script. */
  secret?: true;
  place: Place;
}

/** How this machine's firmware has to be spoken to, where the rules for its kind fail. */
export const quirks = [
  /** ProxyDHCP: say it all in the first offer; this firmware never asks port 4011. */
  "no-4011",
  /** ProxyDHCP: say only that we are here; this firmware wants its file from port 4011. */
  "use-4011",
  /** Leave option 43 out. */
  "no-vendor-options",
  /** TFTP: blocks of at most 1024 bytes. */
  "small-blocks",
  /** UEFI: the firmware's own network driver (snponly.efi) rather than iPXE's. */
  "snponly",
] as const;
export type Quirk = (typeof quirks)[number];

/** Firmware that can be given a boot file. */
export const bootFileFirmwares = [
  "bios",
  "uefi-ia32",
  "uefi-x64",
  "uefi-arm32",
  "uefi-arm64",
  "uefi-http-ia32",
  "uefi-http-x64",
  "uefi-http-arm32",
  "uefi-http-arm64",
] as const;
export type BootFileFirmware = (typeof bootFileFirmwares)[number];

/** A boot file of the user's own. */
export interface OwnBootFile {
  /** What it is served as: its path, below the TFTP directory if it lies there. */
  name: string;
  /** The lab's directory, absolute. */
  directory: string;
  /** Relative to that. */
  path: string;
  place: Place;
}

/** A machine that somebody described. */
export interface Machine {
  name: string;
  mac: string;
  /** Leased to this MAC only. */
  address?: string;
  /** Added to what the machine says of itself; these win. */
  labels: Labels;
  quirks: Quirk[];
  /** What its firmware loads, rather than what its kind of firmware does. */
  bootFile?: OwnBootFile;
  place: Place;
}

/** One network that machines boot on. Addresses as text, IPv4. */
export interface LabNetwork {
  /** `br0`; undefined: reached through relays only. */
  interface?: string;
  /** This server's address there. */
  address: string;
  /** `10.88.0.0/24` */
  subnet: string;
  /** dhcp: leases and boot information; proxy: boot information beside another DHCP server; none: neither. */
  mode: "dhcp" | "proxy" | "none";
  /** First and last address to lease. */
  range?: { first: string; last: string };
  router?: string;
  dns: string[];
  ntp: string[];
  domain?: string;
  leaseSeconds: number;
  /** Whether it is asked who has an address before that is offered. @default true */
  probe?: false;
  /** Further options by number: the raw bytes. */
  options: { code: number; value: Uint8Array }[];
}

export interface LabDns {
  /** Names, each with all names below it. */
  records: { name: string; addresses: string[] }[];
  /** Servers that other questions go to, `1.1.1.1` or `1.1.1.1:53`. */
  forward: string[];
}

/** Texts by file name, each with where it stands. */
export type Texts = ReadonlyMap<string, { text: string; place: Place }>;

/** All that was written down, read and checked as a whole. */
export interface Inventory {
  networks: LabNetwork[];
  dns: LabDns;
  machines: Machine[];
  groups: Group[];
  profiles: BootProfile[];
  ignition: Texts;
  cloud: Texts;
  generic: Texts;
  /** Directory behind `/assets/`; undefined: none. */
  assets?: string;
  /** Boot files of the user's own, for all machines of a kind of firmware. */
  bootFiles: OwnBootFiles;
  /** Directory of further files for TFTP; undefined: none. */
  tftp?: string;
}

export type OwnBootFiles = Readonly<Partial<Record<BootFileFirmware, OwnBootFile>>>;
