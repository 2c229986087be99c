import type { DhcpPacket } from "../dhcp/codec.js";
import { messageTypeOf, userClasses } from "../dhcp/options.js";
import { uuidOf } from "./packets.js";

/** A DHCP packet as people read it, every option by its name. */
export interface ShownPacket {
  /** `DISCOVER`; `BOOTP` where there is no option 53. */
  type: string;
  /** What of the header is not empty. */
  header: Record<string, string>;
  options: ShownOption[];
}

export interface ShownOption {
  code: number;
  name: string;
  value: string;
}

type Read = (value: Buffer, packet: DhcpPacket) => string;

const addresses: Read = (value) =>
  value.length % 4 === 0
    ? Array.from({ length: value.length / 4 }, (_, i) => value.subarray(4 * i, 4 * i + 4).join(".")).join(
        ", ",
      )
    : hex(value);
const text: Read = (value) => printable(value.toString("latin1").replace(/\0+$/, ""));
const number: Read = (value) =>
  value.length <= 4 && value.length > 0 ? String(value.readUIntBE(0, value.length)) : hex(value);
const seconds: Read = (value, packet) => (value.length === 4 ? `${number(value, packet)} s` : hex(value));
const hex = (value: Buffer): string => value.toString("hex").replace(/(..)(?=.)/g, "$1:");
const printable = (value: string): string =>
  value.replace(/[^\x20-\x7e]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);

/** Options by number (IANA's registry): name and how to read it. */
const known: Readonly<Record<number, readonly [name: string, read: Read]>> = {
  1: ["subnet mask", addresses],
  2: ["time offset", number],
  3: ["router", addresses],
  6: ["DNS servers", addresses],
  7: ["log servers", addresses],
  12: ["host name", text],
  13: ["boot file size", number],
  15: ["domain name", text],
  17: ["root path", text],
  26: ["MTU", number],
  28: ["broadcast address", addresses],
  42: ["NTP servers", addresses],
  43: ["vendor options (PXE)", (value) => subOptions(value, pxeNames)],
  50: ["requested address", addresses],
  51: ["lease time", seconds],
  52: ["option overload", number],
  53: ["message type", (_, { options }) => messageTypeOf(options) ?? "unknown"],
  54: ["server identifier", addresses],
  55: ["parameter request list", (value) => [...value].join(", ")],
  56: ["message", text],
  57: ["maximum message size", (value, packet) => `${number(value, packet)} bytes`],
  58: ["renewal time", seconds],
  59: ["rebinding time", seconds],
  60: ["vendor class", text],
  61: [
    "client identifier",
    (value) => (value[0] === 1 && value.length === 7 ? `Ethernet ${hex(value.subarray(1))}` : hex(value)),
  ],
  66: ["TFTP server name", text],
  67: ["boot file name", text],
  77: ["user class", (_, { options }) => userClasses(options).map(printable).join(", ")],
  80: ["rapid commit", () => "yes"],
  81: ["client FQDN", text],
  82: ["relay agent information", (value) => subOptions(value, { 1: "circuit", 2: "remote", 5: "link" })],
  93: [
    "client architecture",
    (value) =>
      Array.from({ length: value.length >> 1 }, (_, i) => architectureText(value.readUInt16BE(2 * i))).join(
        ", ",
      ),
  ],
  94: ["network interface", (value) => (value.length === 3 ? `UNDI ${value[1]}.${value[2]}` : hex(value))],
  97: ["client UUID", (value) => uuidOf(value) ?? hex(value)],
  119: ["domain search", domains],
  175: ["iPXE options", (value) => subOptions(value, ipxeNames)],
  203: ["iSCSI initiator", text],
};

const pxeNames: Record<number, string> = {
  6: "discovery control",
  8: "boot servers",
  9: "boot menu",
  10: "menu prompt",
  71: "boot item",
};
const ipxeNames: Record<number, string> = {
  ...{
    16: "PXE extensions",
    17: "iSCSI",
    18: "AoE",
    19: "HTTP",
    20: "HTTPS",
    21: "TFTP",
    22: "FTP",
    23: "DNS",
    24: "bzImage",
  },
  ...{
    25: "multiboot",
    33: "PXE",
    34: "ELF",
    36: "EFI",
    38: "VLAN",
    39: "menu",
    41: "NFS",
    176: "no-pxedhcp",
    177: "bus",
    235: "version",
  },
};
const architectures: Record<number, string> = {
  ...{
    0: "x86 BIOS",
    6: "x86 UEFI",
    7: "x64 UEFI",
    9: "x64 UEFI (EBC)",
    10: "ARM 32-bit UEFI",
    11: "ARM 64-bit UEFI",
  },
  ...{
    15: "x86 UEFI HTTP",
    16: "x64 UEFI HTTP",
    18: "ARM 32-bit UEFI HTTP",
    19: "ARM 64-bit UEFI HTTP",
    41: "Raspberry Pi",
  },
};

const architectureText = (code: number): string => `${code} (${architectures[code] ?? "unknown"})`;

/** `HTTP, version 1.21.1`: flags by their name alone. */
function subOptions(value: Buffer, names: Record<number, string>): string {
  const parts: string[] = [];
  for (let at = 0; at < value.length && value[at] !== 255; ) {
    const code = value[at]!;
    if (code === 0) {
      at += 1;
      continue;
    }
    const length = value[at + 1] ?? 0;
    const content = value.subarray(at + 2, at + 2 + length);
    const name = names[code] ?? `sub-option ${code}`;
    const isText = /[A-Za-z]{3}/.test(content.toString("latin1"));
    if (content.length === 1 && content[0] === 1) parts.push(name);
    else
      parts.push(
        `${name} ${isText ? printable(content.toString("latin1")) : content.length <= 4 ? content.join(".") : hex(content)}`,
      );
    at += 2 + length;
  }
  return parts.join(", ");
}

function domains(value: Buffer): string {
  const names: string[] = [];
  let labels: string[] = [];
  for (let at = 0; at < value.length; ) {
    const length = value[at]!;
    if (length === 0) {
      names.push(labels.join("."));
      labels = [];
    } else labels.push(printable(value.toString("latin1", at + 1, at + 1 + length)));
    at += 1 + length;
  }
  return names.join(", ");
}

/** An option by its name; one that nobody registered by its number, as bytes. */
export function shownOption(code: number, value: Buffer, packet: DhcpPacket): ShownOption {
  const [name, read] = known[code] ?? [code >= 224 ? "private use" : `option ${code}`, hex];
  return { code, name, value: read(value, packet) };
}

export function shownPacket(packet: DhcpPacket): ShownPacket {
  const fields = {
    ...{ ciaddr: packet.ciaddr, yiaddr: packet.yiaddr, siaddr: packet.siaddr, giaddr: packet.giaddr },
    ...{ sname: printable(packet.sname), file: printable(packet.file) },
  };
  return {
    type: messageTypeOf(packet.options) ?? "BOOTP",
    header: {
      xid: packet.xid.toString(16).padStart(8, "0"),
      ...(packet.broadcast ? { flags: "broadcast" } : {}),
      ...Object.fromEntries(
        Object.entries(fields).filter(([, value]) => value !== "" && value !== "0.0.0.0"),
      ),
    },
    options: [...packet.options].map(([code, value]) => shownOption(code, value, packet)),
  };
}
