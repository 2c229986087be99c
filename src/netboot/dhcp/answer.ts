import { type Decide, undecided } from "../decision.js";
import type { Machine } from "../inventory/types.js";
import { addBoot, addProxyBoot } from "./boot.js";
import { clientMac, type DhcpPacket } from "./codec.js";
import { type Client, clientOf } from "./firmware.js";
import type { Lease, LeaseChange } from "./leases.js";
import { inRange, isIn } from "./network.js";
import { leaseOptions, nameOf, networkOptions } from "./network-options.js";
import {
  addressOption,
  bytesOfAddresses,
  type MessageType,
  messageTypeOf,
  messageTypes,
  option,
} from "./options.js";
import type { DhcpView, Turn } from "./turn.js";

export interface DhcpAnswer {
  /** What came. A BOOTP request has no type. */
  asked: MessageType | "BOOTP";
  client: Client;
  mac?: string;
  machine?: Machine;
  reply?: { packet: DhcpPacket; type: MessageType | "BOOTREPLY"; to: { address: string; port: number } };
  /** To be on disk before the reply goes out. */
  change?: LeaseChange;
  /** Address of another server, which the client took. */
  otherServer?: string;
  /** Why there is no reply, or a NAK. */
  because?: string;
}

/** How long an offered address is kept for its client. */
const offerMs = 60_000;
/** How long an address that somebody else was found to use is left alone (RFC 2131 §4.3.3). */
const declinedMs = 3_600_000;

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

/** What a server of this network answers on port 67 (RFC 2131 §4.3). */
export function answerDhcp(request: DhcpPacket, view: DhcpView, decide: Decide = undecided): DhcpAnswer {
  const mac = clientMac(request);
  const machine = mac === undefined ? undefined : view.machines.byMac.get(mac);
  const asked = request.options.has(option.messageType) ? messageTypeOf(request.options) : "BOOTP";
  const seen = {
    client: clientOf(request.options, mac),
    ...(mac === undefined ? {} : { mac }),
    ...(machine === undefined ? {} : { machine }),
  };
  const none = (because: string): DhcpAnswer => ({ asked: asked ?? "BOOTP", ...seen, because });
  if (request.op !== "request") return none("it is a reply");
  if (asked === undefined) return none("its message type is unknown");
  if (view.network.mode === "none") return none("this network has no DHCP from here");
  const turn: Turn = { request, view, asked, decide, ...seen };
  if (view.network.mode === "proxy")
    return asked === "DISCOVER" ? proxyOffer(turn) : none("as proxy only DISCOVER is answered");
  switch (asked) {
    case "DISCOVER":
      return discover(turn);
    case "REQUEST":
      return requestAddress(turn);
    case "DECLINE":
      return decline(turn);
    case "RELEASE":
      return release(turn);
    case "INFORM":
      return inform(turn);
    case "BOOTP":
      return bootp(turn);
    default:
      return none(`${asked} is for clients`);
  }
}

/** What a proxyDHCP server answers on port 4011 (PXE 2.1 §2.2). */
export function answerProxyRequest(
  request: DhcpPacket,
  view: DhcpView,
  decide: Decide = undecided,
): DhcpAnswer {
  const mac = clientMac(request);
  const machine = mac === undefined ? undefined : view.machines.byMac.get(mac);
  const asked = messageTypeOf(request.options);
  const seen = {
    asked: asked ?? ("BOOTP" as const),
    client: clientOf(request.options, mac),
    ...(mac === undefined ? {} : { mac }),
    ...(machine === undefined ? {} : { machine }),
  };
  if (request.op !== "request" || (asked !== "REQUEST" && asked !== "INFORM" && asked !== "DISCOVER")) {
    return { ...seen, because: "only a REQUEST is answered here" };
  }
  const turn: Turn = { request, view, decide, ...seen };
  const packet = replyTo(turn, "ACK", "0.0.0.0");
  packet.ciaddr = request.ciaddr;
  if (!view.netboots(mac) || !addProxyBoot(packet, turn, "4011")) {
    return { ...seen, because: "there is nothing for it to boot" };
  }
  return answered(turn, "ACK", packet);
}

const none = (turn: Turn, because: string, change?: LeaseChange): DhcpAnswer => ({
  ...seenIn(turn),
  because,
  ...(change === undefined ? {} : { change }),
});

const seenIn = ({ asked, client, mac, machine }: Turn) => ({
  asked,
  client,
  ...(mac === undefined ? {} : { mac }),
  ...(machine === undefined ? {} : { machine }),
});

const keyOf = ({ request, machine }: Turn): string => clientKey(request, machine);

function discover(turn: Turn): DhcpAnswer {
  const address = addressFor(turn);
  if (address === undefined) return none(turn, "every address of the range is taken");
  const { view, request } = turn;
  const key = keyOf(turn);
  const rapid = request.options.has(option.rapidCommit);
  const type = rapid ? "ACK" : "OFFER";
  const packet = replyTo(turn, type, address);
  if (rapid) packet.options.set(option.rapidCommit, Buffer.alloc(0));
  addAll(packet, turn);
  const held = view.leases.ofClient(key);
  if (!rapid && held?.address === address && held.state === "bound" && held.expires > view.now) {
    return answered(turn, type, packet);
  }
  const expires = view.now + (rapid ? leaseSecondsFor(turn) * 1000 : offerMs);
  return answered(turn, type, packet, leaseOf(turn, address, rapid ? "bound" : "offered", expires));
}

function requestAddress(turn: Turn): DhcpAnswer {
  const { request, view } = turn;
  const server = addressOption(request.options, option.serverId);
  const held = view.leases.ofClient(keyOf(turn));
  if (server !== undefined && server !== view.network.address) {
    const change: LeaseChange | undefined =
      held?.state === "offered" ? { type: "remove", address: held.address } : undefined;
    return { ...none(turn, `it took the offer of ${server}`, change), otherServer: server };
  }
  const wanted =
    request.ciaddr !== "0.0.0.0" ? request.ciaddr : addressOption(request.options, option.requestedAddress);
  if (wanted === undefined) return none(turn, "it asks for no address");
  const refusal = whyNot(wanted, turn);
  if (refusal !== undefined) return nak(turn, refusal);
  const packet = replyTo(turn, "ACK", wanted);
  packet.ciaddr = request.ciaddr;
  addAll(packet, turn);
  const expires = view.now + leaseSecondsFor(turn) * 1000;
  return answered(turn, "ACK", packet, leaseOf(turn, wanted, "bound", expires));
}

/** Less than that nobody gets, however little it asks for. */
const leastSeconds = 120;

/** As long as the network says, or less when the client wants less (option 51). */
function leaseSecondsFor({ request, view }: Turn): number {
  const most = view.network.leaseSeconds;
  const wanted = request.options.get(option.leaseTime);
  if (wanted?.length !== 4) return most;
  return Math.min(most, Math.max(wanted.readUInt32BE(0), leastSeconds));
}

/** Why this client cannot have this address; undefined: it can. */
function whyNot(address: string, turn: Turn): string | undefined {
  const { view, machine } = turn;
  const { network, leases, machines, now } = view;
  if (!isIn(network, address)) return `${address} is not in ${network.subnet}`;
  const own = ownAddress(turn);
  if (own !== undefined && own !== address) return `${machine?.name} has ${own}`;
  const reserved = machines.byAddress.get(address);
  if (reserved && reserved !== machine) return `${address} is ${reserved.name}'s`;
  const key = keyOf(turn);
  const holder = leases.ofAddress(address);
  if (holder && holder.client !== key && holder.expires > now) {
    return holder.state === "declined" ? `${address} is in use by somebody unknown` : `${address} is taken`;
  }
  if (own === address || holder?.client === key) return undefined;
  // No record of it: this server may have lost it, and who else would know (dnsmasq's dhcp-authoritative).
  return inRange(network, address) && address !== network.address
    ? undefined
    : `${address} is not in the range that is leased here`;
}

function nak(turn: Turn, because: string): DhcpAnswer {
  const packet = replyTo(turn, "NAK", "0.0.0.0");
  packet.options.set(option.message, Buffer.from(because, "latin1"));
  // RFC 2131 §4.3.2: by relay the client is to see it as a broadcast.
  if (turn.request.giaddr !== "0.0.0.0") packet.broadcast = true;
  const to =
    turn.request.giaddr === "0.0.0.0"
      ? { address: "255.255.255.255", port: 68 }
      : { address: turn.request.giaddr, port: 67 };
  return { ...seenIn(turn), because, reply: { packet, type: "NAK", to } };
}

function decline(turn: Turn): DhcpAnswer {
  const address = addressOption(turn.request.options, option.requestedAddress);
  const server = addressOption(turn.request.options, option.serverId);
  if (address === undefined || (server !== undefined && server !== turn.view.network.address)) {
    return none(turn, "it declines what is not ours");
  }
  if (turn.view.leases.ofAddress(address)?.client !== keyOf(turn)) {
    return none(turn, `${address} is not its own to decline`);
  }
  const lease: Lease = { address, client: "", state: "declined", expires: turn.view.now + declinedMs };
  return none(turn, `${address} is in use by somebody else; it is left alone for an hour`, {
    type: "set",
    lease,
  });
}

function release(turn: Turn): DhcpAnswer {
  const { request, view } = turn;
  const held = view.leases.ofAddress(request.ciaddr);
  if (held?.client !== keyOf(turn)) return none(turn, `${request.ciaddr} is not its own to release`);
  // Over, not forgotten: it gets the same address the next time, unless somebody else needs it.
  const lease: Lease = { ...held, expires: view.now };
  return none(turn, `${request.ciaddr} is free again`, { type: "set", lease });
}

function inform(turn: Turn): DhcpAnswer {
  const { ciaddr, giaddr } = turn.request;
  // An answer goes to that address: nobody's reflector.
  if (giaddr === "0.0.0.0" && ciaddr !== "0.0.0.0" && !isIn(turn.view.network, ciaddr)) {
    return none(turn, `${ciaddr} is not in ${turn.view.network.subnet}`);
  }
  const packet = replyTo(turn, "ACK", "0.0.0.0");
  packet.ciaddr = turn.request.ciaddr;
  networkOptions(packet, turn);
  if (turn.view.netboots(turn.mac)) addBoot(packet, turn);
  return answered(turn, "ACK", packet);
}

function bootp(turn: Turn): DhcpAnswer {
  const address = turn.machine?.address;
  if (address === undefined) return none(turn, "BOOTP clients need an address of their own in the lab");
  const packet = replyTo(turn, undefined, address);
  networkOptions(packet, turn);
  if (turn.view.netboots(turn.mac)) addBoot(packet, turn);
  return answered(turn, "BOOTREPLY", packet);
}

function proxyOffer(turn: Turn): DhcpAnswer {
  const packet = replyTo(turn, "OFFER", "0.0.0.0");
  if (!turn.view.netboots(turn.mac)) return none(turn, "it is not to boot from the network now");
  if (!addProxyBoot(packet, turn, "67")) return none(turn, "it asks for nothing to boot");
  return answered(turn, "OFFER", packet);
}

function addAll(packet: DhcpPacket, turn: Turn): void {
  leaseOptions(packet, leaseSecondsFor(turn));
  networkOptions(packet, turn);
  if (turn.view.netboots(turn.mac)) addBoot(packet, turn);
  else {
    turn.decide({
      about: "boot file",
      chosen: undefined,
      because: "it is not to boot from the network now",
      others: [],
    });
  }
}

/** The machine's own address, unless somebody else has it for now: a lease from before, or a stranger. */
function ownAddress(turn: Turn): string | undefined {
  const { view, machine } = turn;
  if (machine?.address === undefined || !isIn(view.network, machine.address)) return undefined;
  const holder = view.leases.ofAddress(machine.address);
  return holder === undefined || holder.client === keyOf(turn) || holder.expires <= view.now
    ? machine.address
    : undefined;
}

/** The address that a client gets: its own, the one it has, the one it asks for, any. */
function addressFor(turn: Turn): string | undefined {
  const { request, view, machine, decide } = turn;
  const { network, leases, machines, now } = view;
  const key = keyOf(turn);
  const chosen = (address: string | undefined, because: string) => {
    decide({ about: "address", chosen: address, because, others: [] });
    return address;
  };
  const own = ownAddress(turn);
  if (own !== undefined) return chosen(own, `${machine?.name} has it in the lab`);
  const notOwn = machine?.address === undefined ? "" : `${machine.address} is not free or not here; `;
  const usable = (address: string): boolean => {
    const holder = leases.ofAddress(address);
    return (
      inRange(network, address) &&
      address !== network.address &&
      !machines.byAddress.has(address) &&
      (holder === undefined || holder.client === key || holder.expires <= now)
    );
  };
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

function leaseOf(turn: Turn, address: string, state: "offered" | "bound", expires: number): LeaseChange {
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

function replyTo({ request, view }: Turn, type: MessageType | undefined, yiaddr: string): DhcpPacket {
  const options = new Map<number, Buffer>();
  if (type !== undefined) {
    options.set(option.messageType, Buffer.of(messageTypes.indexOf(type) + 1));
    options.set(option.serverId, bytesOfAddresses(view.network.address));
  }
  // RFC 6842 and RFC 3046 §2.2: both come back as they came.
  for (const code of [option.clientId, option.relayAgent]) {
    const value = request.options.get(code);
    if (value) options.set(code, value);
  }
  return {
    op: "reply",
    htype: request.htype,
    hops: 0,
    xid: request.xid,
    secs: 0,
    broadcast: request.broadcast,
    ciaddr: "0.0.0.0",
    yiaddr,
    siaddr: "0.0.0.0",
    giaddr: request.giaddr,
    chaddr: request.chaddr,
    sname: "",
    file: "",
    options,
  };
}

/** RFC 2131 §4.1. A client without an address is answered by broadcast: nothing here can fill the kernel's ARP table. */
function answered(
  turn: Turn,
  type: MessageType | "BOOTREPLY",
  packet: DhcpPacket,
  change?: LeaseChange,
): DhcpAnswer {
  const { giaddr, ciaddr } = turn.request;
  const to =
    giaddr !== "0.0.0.0"
      ? { address: giaddr, port: 67 }
      : ciaddr !== "0.0.0.0"
        ? { address: ciaddr, port: 68 }
        : { address: "255.255.255.255", port: 68 };
  return { ...seenIn(turn), reply: { packet, type, to }, ...(change === undefined ? {} : { change }) };
}
