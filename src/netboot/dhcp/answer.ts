import { type Decide, undecided } from "../decision.js";
import { addressFor, keyOf, leaseOf, leaseSecondsFor, whyNot } from "./address.js";
import { addBoot, addProxyBoot } from "./boot.js";
import { clientMac, type DhcpPacket } from "./codec.js";
import { clientOf } from "./firmware.js";
import type { Lease, LeaseChange } from "./leases.js";
import { isIn } from "./network.js";
import { leaseOptions, networkOptions } from "./network-options.js";
import { addressOption, messageTypeOf, option } from "./options.js";
import { answered, nak, none, replyTo } from "./reply.js";
import { bootsNothingText, type DhcpAnswer, type DhcpView, type Turn } from "./turn.js";

/** How long an offered address is kept for its client. */
export const offerMs = 60_000;
/** How long an address that somebody else was found to use is left alone (RFC 2131 §4.3.3). */
const declinedMs = 3_600_000;

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
    return { ...seen, because: turn.noBootFile ?? "there is nothing for it to boot" };
  }
  return answered(turn, "ACK", packet);
}

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
  if (!turn.view.netboots(turn.mac)) return none(turn, bootsNothingText);
  if (!addProxyBoot(packet, turn, "67")) return none(turn, turn.noBootFile ?? "it asks for nothing to boot");
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
      because: bootsNothingText,
      others: [],
    });
  }
}
