/*
 * Many clients behind a relay: load.mjs RELAY_ADDRESS SERVER_ADDRESS FIRST. Each gets an address (DISCOVER, REQUEST, until
 * there is an ACK), and a line for it is printed: `MAC ADDRESS`. Ends at SIGTERM.
 */
import { createSocket } from "node:dgram";
import { macFromBytes } from "../../../src/net/mac.js";
import { type DhcpPacket, decodeDhcp, encodeDhcp } from "../../../src/netboot/dhcp/codec.js";
import { bytesOfAddresses, messageTypeOf, option } from "../../../src/netboot/dhcp/options.js";

const [relay = "", server = "", first = ""] = process.argv.slice(2);
const inFlight = 64;
const retryMs = 200;

interface Client {
  chaddr: Buffer;
  xid: number;
  offered?: string;
  spokeAt: number;
}
const clients = new Map<number, Client>();
let next = Number(first);

const socket = createSocket("udp4");
socket.on("message", (bytes) => {
  const decoded = decodeDhcp(bytes);
  if ("invalid" in decoded) throw new Error(decoded.invalid);
  const { xid, yiaddr, options } = decoded.packet;
  const client = clients.get(xid);
  if (!client) return;
  const type = messageTypeOf(options);
  if (type === "OFFER" && client.offered === undefined) client.offered = yiaddr;
  else if (type === "NAK") delete client.offered;
  else if (type === "ACK") {
    process.stdout.write(`${macFromBytes(client.chaddr)} ${yiaddr}\n`);
    clients.delete(xid);
    begin();
    return;
  } else return;
  speak(client);
});

function begin(): void {
  const chaddr = Buffer.from([2, 0, 0, 0, 0, 0]);
  chaddr.writeUInt32BE(next, 2);
  const client = { chaddr, xid: next++, spokeAt: 0 };
  clients.set(client.xid, client);
  speak(client);
}

function speak(client: Client): void {
  client.spokeAt = performance.now();
  const packet: DhcpPacket = {
    op: "request",
    htype: 1,
    hops: 1,
    xid: client.xid,
    secs: 0,
    broadcast: false,
    ciaddr: "0.0.0.0",
    yiaddr: "0.0.0.0",
    siaddr: "0.0.0.0",
    giaddr: relay,
    chaddr: client.chaddr,
    sname: "",
    file: "",
    options: new Map([[option.messageType, Buffer.of(client.offered === undefined ? 1 : 3)]]),
  };
  if (client.offered !== undefined) {
    packet.options.set(option.requestedAddress, bytesOfAddresses(client.offered));
    packet.options.set(option.serverId, bytesOfAddresses(server));
  }
  socket.send(encodeDhcp(packet).bytes, 67, server);
}

setInterval(() => {
  for (const client of clients.values()) if (performance.now() - client.spokeAt > retryMs) speak(client);
}, 50);
process.on("SIGTERM", () => process.exit(0));
socket.bind(67, relay, () => {
  for (let i = 0; i < inFlight; i++) begin();
});
