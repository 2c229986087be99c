import type { Machine } from "../inventory/types.js";
import type { DhcpPacket } from "./codec.js";
import { isTaken, type Lease, type LeaseChange } from "./leases.js";
import { inRange, isIn } from "./network.js";
import { nameOf } from "./network-options.js";
import { addressOption, option } from "./options.js";
import type { Turn } from "./turn.js";

/**
 * Who a lease belongs to: the client identifier (option 61) or the hardware address (RFC 2131 §4.2), which many clients write
 * into the identifier. An address of its own belongs to the machine: its firmware, iPXE and its system have identifiers each.
 */
export function clientKey({ options, htype, chaddr }: DhcpPacket, machine?: Machine): string {
  const hardware = Buffer.from(chaddr).toString("hex");
  const id = options.get(option.clientId);
  if (machine?.address !== undefined || id === undefined || id.length < 2) return `hw:${htype}:${hardware}`;
  return id[0] === htype && id.length === chaddr.length + 1 && id.subarray(1).equals(chaddr)
    ? `hw:${htype}:${hardware}`
    : `id:${id.toString("hex")}`;
}

export const keyOf = ({ request, machine }: Turn): string => clientKey(request, machine);

/** Less than that nobody gets, however little it asks for. */
const leastSeconds = 120;

/** As long as the network says, or less when the client wants less (option 51). */
export function leaseSecondsFor({ request, view }: Turn): number {
  const most = view.network.leaseSeconds;
  const wanted = request.options.get(option.leaseTime);
  if (wanted?.length !== 4) return most;
  return Math.min(most, Math.max(wanted.readUInt32BE(0), leastSeconds));
}

/** Why this client cannot have this address; undefined: it can. */
export function whyNot(address: string, turn: Turn): string | undefined {
  const { view, machine } = turn;
  const { network, leases, machines, now } = view;
  if (!isIn(network, address)) return `${address} is not in ${network.subnet}`;
  const own = ownAddress(turn);
  if (own !== undefined && own !== address) return `${machine?.name} has ${own}`;
  const reserved = machines.byAddress.get(address);
  if (reserved && reserved !== machine) return `${address} is ${reserved.name}'s`;
  const key = keyOf(turn);
  const holder = leases.ofAddress(address);
  if (holder && isTaken(holder, { client: key, mac: turn.mac, now })) {
    return holder.state === "declined" ? `${address} is in use by somebody unknown` : `${address} is taken`;
  }
  if (own === address || holder?.client === key) return undefined;
  // No record of it: this server may have lost it, and who else would know (dnsmasq's dhcp-authoritative).
  return inRange(network, address) && address !== network.address
    ? undefined
    : `${address} is not in the range that is leased here`;
}

/** The machine's own address, unless somebody else has it for now: a lease from before, or a stranger. */
function ownAddress(turn: Turn): string | undefined {
  const { view, machine, mac } = turn;
  if (machine?.address === undefined || !isIn(view.network, machine.address)) return undefined;
  const holder = view.leases.ofAddress(machine.address);
  return isTaken(holder, { client: keyOf(turn), mac, now: view.now }) ? undefined : machine.address;
}

/** The address that a client gets: its own, the one it has, the one it asks for, any. */
export function addressFor(turn: Turn): string | undefined {
  const { request, view, machine, mac, decide } = turn;
  const { network, leases, machines, now } = view;
  const key = keyOf(turn);
  const chosen = (address: string | undefined, because: string) => {
    decide({ about: "address", chosen: address, because, others: [] });
    return address;
  };
  const own = ownAddress(turn);
  if (own !== undefined) return chosen(own, `${machine?.name} has it in the lab`);
  const notOwn = machine?.address === undefined ? "" : `${machine.address} is not free or not here; `;
  const usable = (address: string): boolean =>
    inRange(network, address) &&
    address !== network.address &&
    !machines.byAddress.has(address) &&
    !isTaken(leases.ofAddress(address), { client: key, mac, now });
  const held = leases.ofClient(key)?.address;
  if (held !== undefined && usable(held)) return chosen(held, `${notOwn}it had it before`);
  const asked = addressOption(request.options, option.requestedAddress);
  if (asked !== undefined && usable(asked)) return chosen(asked, `${notOwn}it asks for it, and it is free`);
  const free = leases.free(key, now);
  return chosen(
    free,
    notOwn + (free === undefined ? "every address of the range is taken" : "the first that is free"),
  );
}

export function leaseOf(
  turn: Turn,
  address: string,
  state: "offered" | "bound",
  expires: number,
): LeaseChange {
  const { request, mac, machine, view } = turn;
  const hostName = machine?.name ?? nameOf(request.options, view.machines);
  const lease: Lease = {
    address,
    client: keyOf(turn),
    state,
    expires,
    ...(mac === undefined ? {} : { mac }),
    ...(hostName === undefined ? {} : { hostName }),
  };
  return { type: "set", lease };
}
