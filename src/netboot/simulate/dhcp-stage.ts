import { type DhcpPacket, encodeDhcp } from "../dhcp/codec.js";
import { dhcpNetwork, inRange, isIn, toAddress } from "../dhcp/network.js";
import {
  addressOption,
  bytesOfAddresses,
  messageTypeOf,
  messageTypes,
  option,
  suboption,
  textOption,
} from "../dhcp/options.js";
import type { LabNetwork } from "../inventory/types.js";
import type { SimulatedMachine, Stage } from "./machine.js";
import { discoverPacket, proxyRequestPacket, requestPacket } from "./packets.js";
import { shownPacket } from "./show-packet.js";
import type { BootEnd, Step } from "./story.js";
import { packetOf, type UnpluggedServer } from "./unplugged-server.js";

/** What a machine has after DHCP. */
export interface Configured {
  address: string;
  /** Whom it asks for its boot file. */
  nextServer: string;
  /** Empty: it was told none. */
  file: string;
  /** Further settings of iPXE. */
  settings: Record<string, string>;
}

interface Turn {
  server: UnpluggedServer;
  network: LabNetwork;
  machine: SimulatedMachine;
  stage: Stage;
  steps: Step[];
}

/** DHCP as firmware does it: DISCOVER, OFFER, REQUEST, ACK; beside another server, whose part is imagined, also port 4011. */
export function dhcpStage(turn: Turn): Configured | BootEnd {
  return turn.network.mode === "proxy" ? besideAnother(turn) : fromHere(turn);
}

function say(turn: Turn, packet: DhcpPacket, port: 67 | 4011 = 67): DhcpPacket | undefined {
  const { server, network, stage, steps } = turn;
  const heard = server.hearDhcp(encodeDhcp(packet).bytes, network.interface, port);
  const reply = heard.bytes && packetOf(heard.bytes);
  steps.push({
    step: "dhcp",
    port,
    stage: stage.name,
    request: shownPacket(packet),
    ...(reply ? { reply: shownPacket(reply) } : {}),
    ...(heard.because === undefined ? {} : { because: heard.because }),
    decisions: heard.decisions,
  });
  return reply;
}

/** Why the last packet was not answered as it should have been. */
function lastBecause(steps: readonly Step[]): string {
  const last = steps.findLast((step) => step.step === "dhcp");
  if (last?.step !== "dhcp") return "nothing was asked";
  const file = last.decisions.find(({ about, chosen }) => about === "boot file" && chosen === undefined);
  return file?.because ?? last.because ?? "the server does not answer";
}

function fromHere(turn: Turn): Configured | BootEnd {
  const { machine, stage, network } = turn;
  const offer = say(turn, discoverPacket(machine, stage));
  if (!offer) {
    return {
      at: "DHCP",
      because: `there is no offer: ${lastBecause(turn.steps)}`,
      fix: "give the network a larger range, or the machine an address of its own",
    };
  }
  const taken = {
    address: offer.yiaddr,
    server: addressOption(offer.options, option.serverId) ?? network.address,
  };
  const ack = say(turn, requestPacket(machine, stage, taken));
  if (!ack || messageTypeOf(ack.options) !== "ACK") {
    return { at: "DHCP", because: `the address that was offered is refused: ${lastBecause(turn.steps)}` };
  }
  return configured(ack, ack);
}

function besideAnother(turn: Turn): Configured | BootEnd {
  const { machine, stage, server, steps } = turn;
  const other = imaginedOffer(turn);
  steps.push({
    step: "note",
    text: `Another DHCP server offers ${other.yiaddr} (imagined, as is its address ${addressOption(other.options, option.serverId)}).`,
  });
  server.gaveAddress(machine.mac, other.yiaddr);
  const offer = say(turn, discoverPacket(machine, stage));
  if (!offer) {
    return {
      at: "DHCP",
      because: `the proxyDHCP server does not answer: ${lastBecause(steps)}`,
    };
  }
  const taken = { address: other.yiaddr, server: addressOption(other.options, option.serverId)! };
  say(turn, requestPacket(machine, stage, taken));
  if (fileOf(offer) !== "" && takesFileOfOffer(stage, offer)) return configured(other, offer);
  const ack = say(turn, proxyRequestPacket(machine, stage, other.yiaddr), 4011);
  if (!ack) return { at: "DHCP", because: `port 4011 does not answer: ${lastBecause(steps)}` };
  return configured(other, ack);
}

/** EDK2's PXE takes a file from a proxy's offer only when option 43 says not to look further; ROMs and iPXE take it. */
function takesFileOfOffer({ vendorClass, name }: Stage, offer: DhcpPacket): boolean {
  if (name === "ipxe" || vendorClass.startsWith("HTTPClient") || vendorClass.includes("UNDI:002"))
    return true;
  const vendor = offer.options.get(option.vendorOptions);
  return ((vendor && suboption(vendor, 6)?.[0]) ?? 0) === 8;
}

const fileOf = (packet: DhcpPacket): string => textOption(packet.options, option.bootFile) ?? packet.file;

/** @param lease that gives the address @param boot that gives the boot file */
/** What the server gave, as iPXE and firmware keep it. */
export function configured(lease: DhcpPacket, boot: DhcpPacket): Configured {
  const text = (code: number) => textOption(lease.options, code);
  const address = (code: number) => {
    const value = lease.options.get(code);
    return value && value.length >= 4 ? value.subarray(0, 4).join(".") : undefined;
  };
  const nextServer =
    boot.siaddr !== "0.0.0.0" ? boot.siaddr : (addressOption(boot.options, option.serverId) ?? "");
  const settings = {
    ip: lease.yiaddr,
    netmask: address(option.subnetMask),
    gateway: address(option.router),
    dns: address(option.dns),
    domain: text(option.domainName),
    hostname: text(option.hostName),
    "dhcp-server": addressOption(lease.options, option.serverId),
    "next-server": nextServer,
    filename: fileOf(boot),
  };
  const said = Object.entries(settings).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { address: lease.yiaddr, nextServer, file: fileOf(boot), settings: Object.fromEntries(said) };
}

/** What some DHCP server of the network offers: the machine's address in the lab, else one from the network's end. */
function imaginedOffer({ server, network, machine, stage }: Turn): DhcpPacket {
  const whole = dhcpNetwork(network);
  const taken = new Set([
    network.address,
    network.router,
    ...network.dns,
    ...server.snapshot.machines.byAddress.keys(),
  ]);
  const free = (except?: string) => {
    for (let value = whole.last - 1; value > whole.first; value--) {
      const address = toAddress(value);
      if (!taken.has(address) && address !== except && !inRange(whole, address)) return address;
    }
    return network.address;
  };
  const itself = free();
  const own = server.snapshot.machines.byMac.get(machine.mac)?.address;
  const yiaddr = own !== undefined && isIn(whole, own) ? own : free(itself);
  const discover = discoverPacket(machine, stage);
  return {
    ...discover,
    op: "reply",
    yiaddr,
    options: new Map([
      [option.messageType, Buffer.of(messageTypes.indexOf("OFFER") + 1)],
      [option.serverId, bytesOfAddresses(itself)],
      [option.subnetMask, bytesOfAddresses(whole.mask)],
    ]),
  };
}
