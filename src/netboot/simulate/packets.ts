import { macToBytes } from "../../net/mac.js";
import type { DhcpPacket } from "../dhcp/codec.js";
import { bytesOfAddresses, messageTypes, option, textBytes } from "../dhcp/options.js";
import type { SimulatedMachine, Stage } from "./machine.js";

/** DHCP packets as a machine's firmware, and then its iPXE, send them. */

/** iPXE's features by their numbers in option 175 (src/include/ipxe/features.h): those of Debian's build. */
const features = [
  Buffer.of(235, 3, 1, 21, 1), // its version
  ...[16, 19, 21, 23, 24, 25, 33, 34, 39].map((feature) => Buffer.of(feature, 1, feature === 16 ? 2 : 1)),
];

type Said = [code: number, value: Buffer];

/** In the order in which EDK2 and iPXE have their options. */
function request(type: "DISCOVER" | "REQUEST", machine: SimulatedMachine, stage: Stage): DhcpPacket {
  const hardware = Buffer.from(macToBytes(machine.mac));
  const size = Buffer.alloc(2);
  size.writeUInt16BE(stage.maximumSize);
  const architecture = Buffer.alloc(2);
  architecture.writeUInt16BE(stage.architecture);
  const parameters: Said = [option.parameterList, Buffer.from(stage.parameters)];
  const uuid: Said = [option.clientUuid, uuidOption(machine.uuid)];
  const undi: Said = [option.clientUndi, Buffer.from(stage.undi)];
  const arch: Said = [option.clientArch, architecture];
  const vendor: Said = [option.vendorClass, textBytes(stage.vendorClass)];
  const options = new Map<number, Buffer>([
    [option.messageType, Buffer.of(messageTypes.indexOf(type) + 1)],
    [option.maximumSize, size],
    ...(stage.name === "ipxe"
      ? ([
          ...[arch, undi, vendor],
          [option.userClass, textBytes("iPXE")],
          parameters,
          [option.ipxe, Buffer.concat(features)],
          [option.clientId, Buffer.concat([Buffer.of(1), hardware])],
          uuid,
        ] satisfies Said[])
      : [parameters, uuid, undi, arch, vendor]),
  ]);
  return {
    op: "request",
    htype: 1,
    hops: 0,
    // The same each time, so that two runs are the same; firmware takes it from the MAC as well.
    xid: hardware.readUInt32BE(2),
    secs: stage.name === "ipxe" ? 4 : 0,
    broadcast: stage.broadcast,
    ciaddr: "0.0.0.0",
    yiaddr: "0.0.0.0",
    siaddr: "0.0.0.0",
    giaddr: "0.0.0.0",
    chaddr: hardware,
    sname: "",
    file: "",
    options,
  };
}

export const discoverPacket = (machine: SimulatedMachine, stage: Stage): DhcpPacket =>
  request("DISCOVER", machine, stage);

/** Takes the address that a server offered. */
export function requestPacket(
  machine: SimulatedMachine,
  stage: Stage,
  { address, server }: { address: string; server: string },
): DhcpPacket {
  const packet = request("REQUEST", machine, stage);
  packet.options.set(option.requestedAddress, bytesOfAddresses(address));
  packet.options.set(option.serverId, bytesOfAddresses(server));
  return packet;
}

/** To a proxyDHCP server's port 4011, from the address that the other server gave (PXE 2.1 §2.2). */
export function proxyRequestPacket(machine: SimulatedMachine, stage: Stage, address: string): DhcpPacket {
  const packet = request("REQUEST", machine, stage);
  packet.ciaddr = address;
  return packet;
}

/** Type 0, then the UUID with its first three fields in little endian, as SMBIOS stores them and firmware sends them. */
function uuidOption(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replaceAll("-", ""), "hex");
  const swapped = [3, 2, 1, 0, 5, 4, 7, 6].map((from) => bytes[from]!);
  return Buffer.from([0, ...swapped, ...bytes.subarray(8)]);
}

/** The UUID of option 97 as it is written; undefined when it is none. */
export function uuidOf(value: Buffer): string | undefined {
  if (value.length !== 17 || value[0] !== 0) return undefined;
  const bytes = value.subarray(1);
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  const hex = Buffer.from(order.map((from) => bytes[from]!)).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
