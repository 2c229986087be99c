import type { Observation } from "../observation.js";
import { clientMac, type DhcpPacket } from "./codec.js";
import type { Lease } from "./leases.js";
import type { DhcpNetwork } from "./network.js";
import { messageTypeOf, option, textOption } from "./options.js";
import type { DhcpAnswer } from "./turn.js";

/**
 * What is to be told of a request and its answer; undefined for what is the network's noise: no answer, and nothing to do with
 * booting.
 *
 * @param from the client's address, where it spoke from one
 */
export function observationOf(
  { asked, client, mac, reply, because, noBootFile, otherServer }: DhcpAnswer,
  request: DhcpPacket,
  stage: "dhcp" | "proxydhcp",
  now: Date,
  from?: string,
): Observation | undefined {
  if (!reply && client.firmware === "other" && otherServer === undefined) return undefined;
  const details: Record<string, string> = {
    xid: request.xid.toString(16).padStart(8, "0"),
    firmware: client.firmware,
  };
  const file = reply && (reply.packet.file || textOption(reply.packet.options, option.bootFile));
  if (file) details.file = file;
  if (because !== undefined) details.because = because;
  if (reply && noBootFile !== undefined) details.noBootFile = noBootFile;
  if (otherServer !== undefined) details.otherServer = otherServer;
  if (request.giaddr !== "0.0.0.0") details.relay = request.giaddr;
  const observation: Observation = {
    time: now.toISOString(),
    stage,
    what: reply ? `${asked} → ${reply.type}` : asked,
    outcome: reply && reply.type !== "NAK" ? "ok" : "refused",
    details,
  };
  if (mac !== undefined) observation.mac = mac;
  const given = reply?.packet.yiaddr;
  const address = given && given !== "0.0.0.0" ? given : from;
  if (address !== undefined && address !== "0.0.0.0") observation.address = address;
  return observation;
}

/** Another server's answer: to be expected beside a proxy, trouble on a network whose only server we are. */
export function otherServerObservation(
  server: string,
  packet: DhcpPacket,
  { mode, interface: name }: DhcpNetwork,
  now: Date,
): Observation {
  const mac = clientMac(packet);
  return {
    time: now.toISOString(),
    ...(mac === undefined ? {} : { mac }),
    stage: mode === "proxy" ? "proxydhcp" : "dhcp",
    what: "another DHCP server answers",
    outcome: mode === "proxy" ? "ok" : "failed",
    details: {
      server,
      ...(name === undefined ? {} : { interface: name }),
      type: messageTypeOf(packet.options) ?? "BOOTREPLY",
      ...(packet.yiaddr === "0.0.0.0" ? {} : { offers: packet.yiaddr }),
    },
  };
}

/** Somebody has an address without a lease of ours; it is found before it is offered, or while a client waits for it. */
export function addressInUseObservation(
  {
    network,
    address,
    mac,
    promised,
  }: { network: DhcpNetwork; address: string; mac: string | undefined; promised: Lease | undefined },
  now: Date,
): Observation {
  const waits =
    promised?.state === "offered" && promised.mac !== undefined && promised.expires > now.getTime();
  const who = mac ?? "somebody";
  return {
    time: now.toISOString(),
    // Who waits for it does not have it.
    ...(waits ? { mac: promised.mac! } : { address }),
    stage: "dhcp",
    what: `${address} is in use`,
    outcome: "failed",
    details: {
      because: `${who} has it without a lease; it is not offered for ten minutes`,
      ...(mac === undefined ? {} : { by: mac }),
      ...(network.interface === undefined ? {} : { interface: network.interface }),
    },
  };
}
