import type { MachineIndex } from "../inventory/snapshot.js";
import type { LabNetwork } from "../inventory/types.js";
import type { BootServer } from "./boot-file.js";
import { clientMac, type DhcpPacket } from "./codec.js";
import type { LeasedNetwork } from "./lease-table.js";
import { type DhcpNetwork, dhcpNetwork, isIn, toNumber } from "./network.js";
import { addressOption, option, suboption } from "./options.js";

/** What DHCP answers follow from: one for each snapshot of the inventory, never changed. */
export interface DhcpLab {
  networks: readonly ServedNetwork[];
  machines: MachineIndex;
  /** Whether this machine boots from the network now; an installed one, say, does not. */
  netboots: (mac: string | undefined) => boolean;
}

export interface ServedNetwork extends LeasedNetwork {
  network: DhcpNetwork;
  boot: BootServer;
}

export interface DhcpLabOptions {
  networks: readonly LabNetwork[];
  machines: MachineIndex;
  /** Where machines of that network get their boot files from. */
  boot: (network: LabNetwork) => BootServer;
  /** @default every machine does */
  netboots?: (mac: string | undefined) => boolean;
}

export const dhcpLab = ({ networks, machines, boot, netboots = () => true }: DhcpLabOptions): DhcpLab => ({
  networks: networks.map((network) => ({
    network: dhcpNetwork(network),
    boot: boot(network),
    kept: {
      has: (address) =>
        machines.byAddress.has(address) ||
        address === network.address ||
        address === network.router ||
        network.dns.includes(address),
    },
  })),
  machines,
  netboots,
});

/** RFC 3527: the relay's client is on the link of this address, whatever giaddr is. */
const linkSelection = 5;

/**
 * The network that a packet is from; undefined: none of ours, as of a relay that is in none of them.
 *
 * @param heardOn interface that it came by; undefined when the socket is of no interface
 */
export function networkFor(
  { networks, machines }: DhcpLab,
  packet: DhcpPacket,
  heardOn: string | undefined,
): ServedNetwork | undefined {
  const containing = (address: string) => networks.find(({ network }) => isIn(network, address));
  if (packet.giaddr !== "0.0.0.0") {
    const relay = packet.options.get(option.relayAgent);
    const link = relay && suboption(relay, linkSelection);
    if (link?.length !== 4) return containing(packet.giaddr);
    // Often the subnet's own address.
    const linked = toNumber(link.join("."));
    return networks.find(({ network: { first, last } }) => first <= linked && linked <= last);
  }
  const here = networks.filter(({ network }) => network.interface === heardOn);
  // A client that has its address already may come through a router.
  const own = packet.ciaddr === "0.0.0.0" ? undefined : containing(packet.ciaddr);
  if (own && (here.includes(own) || own.network.interface === undefined)) return own;
  if (here.length < 2) return here[0];
  // Several on one wire: the one that the machine has an address in, or asks for one of, else the first.
  const mac = clientMac(packet);
  const reserved = mac === undefined ? undefined : machines.byMac.get(mac)?.address;
  const wanted = addressOption(packet.options, option.requestedAddress);
  const of = (address: string | undefined) =>
    address === undefined ? undefined : here.find(({ network }) => isIn(network, address));
  return of(reserved) ?? of(wanted) ?? here[0];
}
