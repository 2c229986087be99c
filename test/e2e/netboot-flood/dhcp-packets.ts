import { encodeDhcp } from "../../../src/netboot/dhcp/codec.js";
import { option } from "../../../src/netboot/dhcp/options.js";
import { ask, clientArch } from "../../../src/netboot/dhcp/testing.js";
import {
  firmwareStage,
  ipxeStage,
  type SimulatedMachine,
  simulatedFirmwares,
} from "../../../src/netboot/simulate/machine.js";
import { discoverPacket, requestPacket } from "../../../src/netboot/simulate/packets.js";
import { mutated, type Random } from "./random.js";

const server = "10.88.0.1";

/** What SeaBIOS's, EDK2's and iPXE's DHCP clients send. */
const golden: Buffer[] = simulatedFirmwares.flatMap((firmware, i) => {
  const machine: SimulatedMachine = {
    mac: `52:54:00:f1:00:0${i}`,
    firmware,
    uuid: "4c4c4544-0042-3510-8052-b4c04f4d4432",
    labels: {},
  };
  return [firmwareStage(firmware), ipxeStage(firmware)].flatMap((stage) =>
    stage === undefined
      ? []
      : [
          discoverPacket(machine, stage),
          requestPacket(machine, stage, { address: `10.88.0.${50 + i}`, server }),
        ].map((packet) => encodeDhcp(packet).bytes),
  );
});

const types = ["DISCOVER", "REQUEST", "DECLINE", "RELEASE", "INFORM", "BOOTP"] as const;

/** Whole ones, by clients that never were, behind relays that are none; lists of options that do not end. */
function generated(random: Random): Buffer {
  const address = () => Buffer.of(10, random.of([88, 88, 88, 9]), 0, random.below(256));
  const options: Record<number, Uint8Array | string> = {
    [option.requestedAddress]: address(),
    [option.serverId]: Buffer.of(10, 88, 0, random.below(4)),
    [option.vendorClass]: "PXEClient:Arch:00007:UNDI:003016",
    [option.clientId]: random.bytes(random.below(20)),
    [option.userClass]: "iPXE",
    [option.relayAgent]: random.bytes(random.below(300)),
    [option.clientArch]: clientArch(random.below(20)),
  };
  for (const code of Object.keys(options)) if (random.chance(3)) delete options[Number(code)];
  if (random.chance(8)) options[52] = Buffer.of(random.below(5));
  if (random.chance(16)) options[1 + random.below(254)] = random.bytes(random.below(900));
  const dotted = (bytes: Buffer) => bytes.join(".");
  const packet = ask(random.of(types), {
    mac: random
      .bytes(6)
      .toString("hex")
      .replace(/..(?!$)/g, "$&:"),
    options,
    xid: random.below(2 ** 32),
    hops: random.below(20),
    broadcast: random.chance(2),
    ciaddr: random.chance(3) ? dotted(address()) : "0.0.0.0",
    // Spoofed relays: of this network, of networks that are not ours.
    giaddr: random.chance(4) ? dotted(random.chance(2) ? address() : random.bytes(4)) : "0.0.0.0",
  });
  return encodeDhcp(packet).bytes;
}

export function dhcpPacket(random: Random): Buffer {
  if (random.chance(50)) return random.bytes(random.below(600));
  const whole = random.chance(2) ? random.of(golden) : generated(random);
  return random.chance(4) ? whole : mutated(whole, random, random.of(golden)).subarray(0, 1472);
}

/** What is always answered, at once, to the address that asks: INFORM. */
export const dhcpProbe = (xid: number, ciaddr: string): Buffer =>
  encodeDhcp(
    ask("INFORM", {
      mac: "52:54:00:f1:00:ff",
      xid,
      ciaddr,
      options: {
        [option.vendorClass]: "PXEClient:Arch:00007:UNDI:003016",
        [option.clientArch]: clientArch(7),
      },
    }),
  ).bytes;
