import { bootFileFor } from "./boot-file.js";
import type { DhcpPacket } from "./codec.js";
import { option, suboption, textBytes } from "./options.js";
import type { Turn } from "./turn.js";

/** iPXE's option 175.176: there is no proxyDHCP server to wait for. */
const noProxyDhcp = Buffer.of(176, 1, 1);
/** PXE 2.1 table 2-1: discovery control (6) with bit 3: take the boot file named here, ask nobody else. */
const takeThisFile = Buffer.of(6, 1, 8);
/** The boot item (71) that a client chose: it comes back to it. */
const bootItem = 71;
/**
 * A Raspberry Pi's ROM looks for a boot menu (9) with an entry of this name, then fetches files by fixed names from the
 * server (documentation of its boot flow, "network boot").
 */
const raspberryPiMenu = Buffer.concat([
  Buffer.of(6, 1, 3, 10, 4, 0),
  Buffer.from("PXE"),
  Buffer.of(9, 20, 0, 0, 17),
  Buffer.from("Raspberry Pi Boot"),
  Buffer.of(255),
]);

/** `file` has 128 bytes, the last of them zero. */
const longestFile = 127;

/**
 * Boot server and boot file, for a client that asks for one. Option 60 is for who needs it: PXE firmware that sees it without
 * option 43 would look for a boot server on port 4011 (PXE 2.1 §2.2.3).
 */
export function addBoot(packet: DhcpPacket, turn: Turn): void {
  const { client, view, decide } = turn;
  if (client.firmware === "raspberry-pi") {
    addRaspberryPi(packet, turn);
    return;
  }
  const choice = bootFileFor(client, view.boot, turn.machine, decide);
  if (choice.file === undefined) {
    if (client.firmware !== "other") turn.noBootFile = choice.because;
    return;
  }
  const { file } = choice;
  packet.siaddr = view.boot.tftp;
  setFile(packet, file, turn);
  if (client.vendorClass === "HTTPClient") packet.options.set(option.vendorClass, textBytes("HTTPClient"));
  if (client.firmware.startsWith("ipxe")) packet.options.set(option.ipxe, noProxyDhcp);
}

/**
 * The same beside another DHCP server: by the class the firmware knows that this is about booting. UEFI's PXE comes to port
 * 4011 for its file, as EDK2 does for every offer without option 43; all other firmware is told at once.
 *
 * @returns false when there is nothing for this client
 */
export function addProxyBoot(packet: DhcpPacket, turn: Turn, port: "67" | "4011"): boolean {
  const { client, view, machine, request, decide } = turn;
  if (client.vendorClass === undefined || client.firmware === "other") return false;
  const quirks = machine?.quirks ?? [];
  const uuid = request.options.get(option.clientUuid);
  if (uuid) packet.options.set(option.clientUuid, uuid);
  if (client.firmware === "raspberry-pi") {
    addRaspberryPi(packet, turn);
    return true;
  }
  const choice = bootFileFor(client, view.boot, machine, decide);
  if (choice.file === undefined) {
    turn.noBootFile = choice.because;
    return false;
  }
  const { file } = choice;
  packet.siaddr = view.boot.tftp;
  packet.options.set(option.vendorClass, textBytes(client.vendorClass));
  const asksLater = quirks.includes("no-4011")
    ? undefined
    : quirks.includes("use-4011")
      ? "quirk use-4011"
      : isUefiPxe(client.firmware)
        ? `${client.firmware} asks there, and may not take a file from an offer`
        : undefined;
  if (port === "67" && client.vendorClass === "PXEClient" && asksLater !== undefined) {
    const others = [{ candidate: file, because: "it is told on port 4011" }];
    decide({ about: "proxyDHCP", chosen: "offer, then port 4011", because: asksLater, others });
    return true;
  }
  setFile(packet, file, turn);
  const vendorOptions = vendorOptionsFor(turn, port);
  if (vendorOptions) packet.options.set(option.vendorOptions, vendorOptions);
  return true;
}

const isUefiPxe = (firmware: string): boolean =>
  firmware.startsWith("uefi-") && !firmware.startsWith("uefi-http");

function vendorOptionsFor({ client, machine, request }: Turn, port: "67" | "4011"): Buffer | undefined {
  if (client.vendorClass !== "PXEClient" || machine?.quirks.includes("no-vendor-options")) return undefined;
  // On port 4011 EDK2 takes the file as it is; what it chose of a menu has to come back.
  const asked = request.options.get(option.vendorOptions);
  const item = asked && suboption(asked, bootItem);
  if (port === "4011" && isUefiPxe(client.firmware) && !item) return undefined;
  const chosen = item ? [Buffer.of(bootItem, item.length), item] : [];
  return Buffer.concat([takeThisFile, ...chosen, Buffer.of(255)]);
}

function addRaspberryPi(packet: DhcpPacket, turn: Turn): void {
  const { view, decide } = turn;
  packet.siaddr = view.boot.tftp;
  packet.options.set(option.vendorClass, textBytes("PXEClient"));
  packet.options.set(option.vendorOptions, raspberryPiMenu);
  packet.options.set(option.serverName, textBytes(view.boot.tftp));
  if (view.boot.hasDirectory === false) {
    turn.noBootFile =
      "a Raspberry Pi fetches its files by fixed names over TFTP; put those of its boot partition into the lab's directory tftp";
    decide({ about: "boot file", chosen: undefined, because: turn.noBootFile, others: [] });
    return;
  }
  decide({
    about: "boot file",
    chosen: `tftp://${view.boot.tftp}/`,
    because: "a Raspberry Pi fetches its files by fixed names",
    others: [],
  });
}

/** In the header, where every client looks, and as options where it asks for them or the header is too short. */
function setFile(packet: DhcpPacket, file: string, { request, view }: Turn): void {
  const asked = request.options.get(option.parameterList);
  if (file.length <= longestFile) packet.file = file;
  if (file.length > longestFile || asked?.includes(option.bootFile)) {
    packet.options.set(option.bootFile, textBytes(file));
  }
  if (asked?.includes(option.serverName)) packet.options.set(option.serverName, textBytes(view.boot.tftp));
}
