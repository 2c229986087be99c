import type { DhcpPacket } from "./codec.js";
import type { LeaseChange } from "./leases.js";
import { bytesOfAddresses, type MessageType, messageTypes, option } from "./options.js";
import { bootsNothingText, type DhcpAnswer, type Turn } from "./turn.js";

/** No reply, and why. */
export const none = (turn: Turn, because: string, change?: LeaseChange): DhcpAnswer => ({
  ...seenIn(turn),
  because,
  ...(change === undefined ? {} : { change }),
});

const seenIn = ({ asked, client, mac, machine, noBootFile }: Turn) => ({
  asked,
  client,
  ...(mac === undefined ? {} : { mac }),
  ...(machine === undefined ? {} : { machine }),
  ...(noBootFile === undefined ? {} : { noBootFile }),
});

export function nak(turn: Turn, because: string): DhcpAnswer {
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

export function replyTo({ request, view }: Turn, type: MessageType | undefined, yiaddr: string): DhcpPacket {
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
export function answered(
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
  const nothing = turn.client.firmware !== "other" && !turn.view.netboots(turn.mac);
  return {
    ...seenIn(turn),
    reply: { packet, type, to },
    ...(change === undefined ? {} : { change }),
    ...(nothing ? { because: bootsNothingText } : {}),
  };
}
