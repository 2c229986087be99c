import { expect, test } from "vitest";
import { clientMac, decodeDhcp, encodeDhcp } from "../dhcp/codec.js";
import { clientOf, type Firmware } from "../dhcp/firmware.js";
import { option } from "../dhcp/options.js";
import {
  firmwareStage,
  ipxeStage,
  type SimulatedFirmware,
  type SimulatedMachine,
  simulatedFirmwares,
} from "./machine.js";
import { discoverPacket, requestPacket, uuidOf } from "./packets.js";
import { shownPacket } from "./show-packet.js";

const expectedFirmware: Record<SimulatedFirmware, Firmware> = {
  bios: "bios",
  "uefi-x64": "uefi-x64",
  "uefi-ia32": "uefi-ia32",
  "uefi-arm64": "uefi-arm64",
  "uefi-http-arm64": "uefi-http-arm64",
  "uefi-http": "uefi-http-x64",
  ipxe: "ipxe",
};

const machine: SimulatedMachine = {
  mac: "52:54:00:aa:00:01",
  firmware: "bios",
  uuid: "4c4c4544-0042-3510-8052-b4c04f4d4432",
  labels: {},
};

const sent = (packet: Parameters<typeof encodeDhcp>[0]) => {
  const decoded = decodeDhcp(encodeDhcp(packet).bytes);
  if ("invalid" in decoded) throw new Error(decoded.invalid);
  return decoded.packet;
};

test.each(simulatedFirmwares)("%s is taken for what it is, and its iPXE for iPXE", (firmware) => {
  const stage = firmwareStage(firmware) ?? ipxeStage(firmware);
  const packet = sent(discoverPacket({ ...machine, firmware }, stage));
  expect(clientOf(packet.options, clientMac(packet)).firmware).toBe(expectedFirmware[firmware]);
  const chained = sent(discoverPacket({ ...machine, firmware }, ipxeStage(firmware)));
  expect(clientOf(chained.options, clientMac(chained))).toMatchObject({
    firmware: "ipxe",
    vendorClass: "PXEClient",
  });
});

test("a DISCOVER of OVMF has what EDK2 sends, and reads as such", () => {
  const packet = sent(discoverPacket(machine, firmwareStage("uefi-x64")!));
  expect(packet.broadcast).toBe(true);
  const { options, header } = shownPacket(packet);
  expect(header).toEqual({ xid: "00aa0001", flags: "broadcast" });
  expect(options.map(({ code, value }) => `${code} ${value}`)).toEqual([
    "53 DISCOVER",
    "57 1472 bytes",
    expect.stringMatching(/^55 1, 2, 3, .*, 66, 67, 97, 128, .*, 135$/),
    "97 4c4c4544-0042-3510-8052-b4c04f4d4432",
    "94 UNDI 3.16",
    "93 7 (x64 UEFI)",
    "60 PXEClient:Arch:00007:UNDI:003016",
  ]);
  // SMBIOS's order of bytes: the first three fields in little endian.
  expect(packet.options.get(option.clientUuid)?.toString("hex")).toBe("0044454c4c420010358052b4c04f4d4432");
  expect(uuidOf(Buffer.of(0, 1))).toBeUndefined();
});

test("iPXE says what it is, and takes what it is offered", () => {
  const packet = sent(
    requestPacket(machine, ipxeStage("uefi-x64"), { address: "10.88.0.50", server: "10.88.0.1" }),
  );
  const shown = new Map(shownPacket(packet).options.map(({ code, value }) => [code, value]));
  expect(shown.get(option.userClass)).toBe("iPXE");
  expect(shown.get(option.ipxe)).toContain("version 1.21.1, PXE extensions 2, HTTP, TFTP");
  expect(shown.get(option.clientId)).toBe("Ethernet 52:54:00:aa:00:01");
  expect([shown.get(option.requestedAddress), shown.get(option.serverId)]).toEqual([
    "10.88.0.50",
    "10.88.0.1",
  ]);
});
