/*
 * Sends what nobody should: flood.mjs PROTOCOL COUNT SEED OWN_ADDRESS. At the end it prints what was sent, as JSON (Sent).
 *
 * UDP's senders keep to what the server takes: after each batch they ask something good on the same port, and go on when
 * the answer to the question before is there. So next to nothing is lost in the kernel, and the server has no rest either.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { frame } from "../../../src/netboot/dns/framing.js";
import { dhcpPacket, dhcpProbe } from "./dhcp-packets.js";
import { dnsPacket, dnsProbe } from "./dns-packets.js";
import { httpRequest, loneRequest } from "./http-requests.js";
import { Random } from "./random.js";
import { tftpGoodbye, tftpPacket, tftpProbe, transferPacket } from "./tftp-packets.js";

export interface Sent {
  /** To the server's well-known ports, good questions not among them. */
  packets: number;
  /** Of these, those that the server must have counted, unless they got lost. */
  counted: number;
  /** To ports of transfers. */
  toTransfers: number;
  probes: number;
  /** Good questions without an answer. */
  unanswered: number;
  cpuSeconds: number;
}

const [protocol = "", countText = "", seed = "", own = ""] = process.argv.slice(2);
const server = "10.88.0.1";
const count = Number(countText);
const random = new Random(Number(seed));
const sent: Sent = { packets: 0, counted: 0, toTransfers: 0, probes: 0, unanswered: 0, cpuSeconds: 0 };

/** What libuv takes from a socket in one turn. */
const batch = 32;
const batchesAtOnce = 2;
const patienceMs = 1000;

/** Batches, each followed by a question; those before the last one have been answered. */
class Pace {
  #asked = 0;
  #answered = 0;
  #wake: (() => void) | undefined;

  answered(number = this.#answered + 1): void {
    if (number <= this.#answered || number > this.#asked) return;
    this.#answered = number;
    this.#wake?.();
  }

  async run(sendOne: (batch: number) => void, ask: (number: number) => void): Promise<void> {
    while (sent.packets < count) {
      const number = this.#asked + 1;
      for (let i = 0; i < batch && sent.packets < count; i++, sent.packets++) sendOne(number);
      sent.counted = sent.packets;
      this.#asked = number;
      sent.probes++;
      ask(number);
      await this.#within(batchesAtOnce - 1);
    }
    await this.#within(0);
  }

  async #within(outstanding: number): Promise<void> {
    while (this.#asked - this.#answered > outstanding) {
      const late = setTimeout(() => {
        sent.unanswered++;
        this.answered();
      }, patienceMs);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      clearTimeout(late);
    }
  }
}

async function udp(port = 0): Promise<Socket> {
  // Without the turn of the event loop that looking up names costs each datagram.
  const socket = createSocket({ type: "udp4", lookup: (name, _, callback) => callback(null, name, 4) });
  socket.on("error", () => {}); // closed ports of transfers
  await new Promise<void>((resolve) => socket.bind(port, own, resolve));
  return socket;
}

async function floodDhcp(): Promise<void> {
  const socket = await udp(68);
  socket.setBroadcast(true);
  const pace = new Pace();
  socket.on("message", (bytes) => {
    if (bytes.length > 8 && bytes[4] === 0x70) pace.answered(bytes.readUIntBE(5, 3));
  });
  // Of ten batches one is broadcast, and one is to the boot server's port.
  const to = (number: number) =>
    number % 10 === 3
      ? { port: 67, address: "255.255.255.255" }
      : { port: number % 10 === 6 ? 4011 : 67, address: server };
  await pace.run(
    (number) => {
      const packet = dhcpPacket(random);
      // Only questions have such a transaction.
      if (packet[4] === 0x70) packet[4] = 0x71;
      socket.send(packet, to(number).port, to(number).address);
    },
    (number) => socket.send(dhcpProbe(0x70_000_000 + number, own), to(number).port, to(number).address),
  );
  socket.close();
}

async function floodTftp(): Promise<void> {
  const pace = new Pace();
  const asking = await udp();
  asking.on("message", () => pace.answered());
  const sockets = await Promise.all(Array.from({ length: 24 }, () => udp()));
  const transfers = new Map<number, Socket>();
  for (const socket of sockets) {
    socket.on("message", (bytes, { port }) => {
      if (port === 69) return;
      transfers.set(port, socket);
      if (random.chance(3)) return; // silence
      sent.toTransfers++;
      socket.send(transferPacket(random, bytes), port, server);
    });
  }
  await pace.run(
    () => random.of(sockets).send(tftpPacket(random), 69, server),
    () => asking.send(tftpProbe, 69, server),
  );
  for (const [port, socket] of transfers) socket.send(tftpGoodbye, port, server);
  await new Promise((resolve) => setTimeout(resolve, 200));
  for (const socket of [asking, ...sockets]) socket.close();
}

async function floodDns(): Promise<void> {
  const pace = new Pace();
  const socket = await udp();
  const probe = /^probe-(\d+)$/;
  socket.on("message", (bytes) => {
    const name = bytes.length > 13 ? bytes.toString("latin1", 13, 13 + bytes[12]!) : "";
    const number = probe.exec(name)?.[1];
    if (number !== undefined) pace.answered(Number(number));
  });
  await pace.run(
    (number) => {
      if (number % 50 > 0) socket.send(dnsPacket(random), 53, server);
      else if (sent.packets % batch === 0) dnsConnection();
    },
    (number) => socket.send(dnsProbe(number), 53, server),
  );
  socket.close();
}

/** As many as a batch has, over TCP: one behind the other, the frame of the last one longer than what comes. */
function dnsConnection(): void {
  const tcp = connect(53, server);
  tcp.on("error", () => {});
  tcp.on("data", () => {});
  for (let i = 0; i < batch; i++) tcp.write(frame(dnsPacket(random).subarray(0, 1024)));
  tcp.end(Buffer.of(4, 0, 1, 2));
}

/** How many requests share a connection that they leave open. */
const pipelined = 16;

async function floodHttp(): Promise<void> {
  const connection = async () => {
    while (sent.packets < count) {
      // One that is broken can hide those that follow: it has its connection for itself.
      const lone = !random.chance(4);
      const requests = lone
        ? [loneRequest(random)]
        : Array.from({ length: pipelined }, () => httpRequest(random));
      sent.packets += requests.length;
      const socket = connect({ port: 8080, host: server, localAddress: own });
      socket.on("error", () => {});
      let answers = 0;
      let rest = "";
      // A server that says nothing more waits for the rest of a request that has none.
      const quiet = lone ? setTimeout(() => socket.end(), 100) : undefined;
      socket.on("data", (bytes) => {
        quiet?.refresh();
        const heads = (rest + bytes.toString("latin1")).split("HTTP/1.1 ");
        answers += heads.length - 1;
        rest = heads.at(-1)!.slice(-8);
        if (!lone && answers >= pipelined) socket.end();
      });
      // In one piece, or in pieces that know nothing of requests.
      const bytes = Buffer.concat(requests);
      const cut = random.below(bytes.length);
      socket.write(bytes.subarray(0, cut));
      socket.write(bytes.subarray(cut));
      const late = setTimeout(() => {
        if (lone) sent.unanswered++;
        socket.destroy();
      }, 20_000);
      await once(socket, "close").catch(() => {});
      clearTimeout(quiet);
      clearTimeout(late);
      if (lone) continue;
      sent.counted += pipelined;
      if (answers < pipelined) sent.unanswered++;
    }
  };
  await Promise.all(Array.from({ length: 128 }, connection));
}

const floods: Record<string, () => Promise<void>> = {
  dhcp: floodDhcp,
  tftp: floodTftp,
  dns: floodDns,
  http: floodHttp,
};
await floods[protocol]!();
const { user, system } = process.cpuUsage();
sent.cpuSeconds = Math.round((user + system) / 1e5) / 10;
process.stdout.write(`${JSON.stringify(sent)}\n`);
