import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../base/clock.js";
import type { Observation } from "../observation.js";
import { decodePacket, encodeAck, encodeError, encodeRequest, type TftpPacket } from "./codec.js";
import { type TftpFile, tftpFiles } from "./files.js";
import { startTftpServer, type TftpLimits, type TftpServer } from "./server.js";

const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const content = Buffer.from(Array.from({ length: 3000 }, (_, i) => i & 0xff));

async function server(
  more: { singlePort?: boolean; limits?: Partial<TftpLimits>; files?: [string, TftpFile][] } = {},
): Promise<{ tftp: TftpServer; seen: Observation[] }> {
  const seen: Observation[] = [];
  const files = tftpFiles(more.files ?? [["ipxe.efi", content]]);
  const tftp = await startTftpServer({
    ...more,
    address: "127.0.0.1",
    port: 0,
    files: () => files,
    observe: (observation) => seen.push(observation),
    clock: systemClock,
  });
  closing.push(() => tftp.close());
  return { tftp, seen };
}

/** A client with one port, which takes packets one by one. */
class Client {
  readonly #socket: Socket;
  readonly #packets: { packet: TftpPacket | undefined; port: number }[] = [];
  peer = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (bytes, { port }) => {
      this.#packets.push({ packet: decodePacket(Buffer.from(bytes)), port });
      socket.emit("arrived");
    });
  }

  static async open(): Promise<Client> {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    closing.push(() => socket.close());
    return new Client(socket);
  }

  say(packet: Uint8Array, port = this.peer): void {
    this.#socket.send(packet, port, "127.0.0.1");
  }

  ask(port: number, file = "ipxe.efi", options: Record<string, string> = {}): void {
    this.say(
      encodeRequest({ type: "read", file, mode: "octet", options: new Map(Object.entries(options)) }),
      port,
    );
  }

  async arrived(): Promise<void> {
    while (this.#packets.length === 0) await once(this.#socket, "arrived");
  }

  async hear(): Promise<TftpPacket | undefined> {
    await this.arrived();
    const { packet, port } = this.#packets.shift()!;
    this.peer = port;
    return packet;
  }

  async take(): Promise<Buffer> {
    const blocks: Buffer[] = [];
    for (;;) {
      const packet = await this.hear();
      if (packet?.type !== "data") throw new Error(JSON.stringify(packet));
      blocks.push(packet.data);
      this.say(encodeAck(packet.block));
      if (packet.data.length < 512) return Buffer.concat(blocks);
    }
  }
}

const until = async (condition: () => boolean) => {
  while (!condition()) await systemClock.sleep(5);
};

test.each([false, true])("a file, and the line that tells of it (single port: %s)", async (singlePort) => {
  const { tftp, seen } = await server({ singlePort });
  const client = await Client.open();
  client.ask(tftp.port, "/ipxe.efi");
  expect(await client.take()).toEqual(content);
  expect(client.peer === tftp.port).toBe(singlePort);
  await until(() => seen.length > 0);
  expect(seen).toMatchObject([
    {
      stage: "tftp",
      what: "ipxe.efi",
      outcome: "ok",
      bytes: 3000,
      address: "127.0.0.1",
      details: { mode: "octet", blksize: "512", windowsize: "1", resent: "0" },
    },
  ]);
  expect(tftp.counters()).toMatchObject({ requests: 1, refused: 0, faults: 0, sessions: 0 });
});

test.each([false, true])(
  "UEFI's question for the size, from the same port (single port: %s)",
  async (singlePort) => {
    const { tftp, seen } = await server({ singlePort });
    const client = await Client.open();
    client.ask(tftp.port, "ipxe.efi", { tsize: "0" });
    expect(await client.hear()).toEqual({ type: "optionAck", options: new Map([["tsize", "3000"]]) });
    client.say(encodeError(8, "User aborted the transfer"));
    client.ask(tftp.port);
    expect(await client.take()).toEqual(content);
    await until(() => seen.length === 2);
    expect(seen).toMatchObject([
      { outcome: "ok", bytes: 0, details: { probe: expect.any(String) } },
      { outcome: "ok" },
    ]);
  },
);

test.each([
  ["a file that is not there", "etc/passwd", 1],
  ["a path out of it", "../../etc/passwd", 2],
])("%s is refused", async (_, file, code) => {
  const { tftp, seen } = await server();
  const client = await Client.open();
  client.ask(tftp.port, file);
  expect(await client.hear()).toMatchObject({ type: "error", code });
  expect(seen).toMatchObject([{ what: file, outcome: "refused" }]);
});

test("nothing can be written", async () => {
  const { tftp } = await server();
  const client = await Client.open();
  client.say(
    encodeRequest({ type: "write", file: "ipxe.efi", mode: "octet", options: new Map() }),
    tftp.port,
  );
  expect(await client.hear()).toMatchObject({ type: "error", code: 2 });
});

test("a file too big for memory is read in pieces, and closed", async () => {
  const reads: number[] = [];
  let closed = false;
  const big = Buffer.alloc(400_000, "slipway");
  const file: TftpFile = {
    size: big.length,
    open: async () => ({
      read: async (offset, length) => {
        reads.push(length);
        return big.subarray(offset, offset + length);
      },
      close: async () => {
        closed = true;
      },
    }),
  };
  const { tftp } = await server({ files: [["initrd", file]] });
  const client = await Client.open();
  client.ask(tftp.port, "initrd");
  expect((await client.take()).equals(big)).toBe(true);
  await until(() => closed);
  expect(reads.length).toBeLessThan(5);
});

test("a file that cannot be read ends the transfer with an error", async () => {
  const file: TftpFile = { size: 1000, open: () => Promise.reject(new Error("it is gone")) };
  const { tftp, seen } = await server({ files: [["initrd", file]] });
  const client = await Client.open();
  client.ask(tftp.port, "initrd");
  expect(await client.hear()).toMatchObject({ type: "error", code: 0, message: /it is gone/ });
  expect(seen).toMatchObject([{ outcome: "failed" }]);
  expect(tftp.counters().sessions).toBe(0);
});

test("clients that never answer make room for those that do", async () => {
  const { tftp } = await server({ limits: { maxSessions: 4 } });
  const good = await Client.open();
  good.ask(tftp.port);
  await good.hear();
  good.say(encodeAck(1));
  expect(await good.hear()).toMatchObject({ type: "data", block: 2 });
  for (let i = 0; i < 20; i++) (await Client.open()).ask(tftp.port);
  await until(() => tftp.counters().requests === 21);
  expect(tftp.counters()).toMatchObject({ sessions: 4, dropped: 0 });
  good.say(encodeAck(2));
  expect(await good.hear()).toMatchObject({ type: "data", block: 3 });
  const late = await Client.open();
  late.ask(tftp.port);
  expect(await late.take()).toEqual(content);
});

test("whose address is forged gets a bounded number of packets, however many ask in its name", async () => {
  const { tftp } = await server({ limits: { maxNewPerSecond: 3 } });
  const began = systemClock.monotonicMs();
  for (let i = 0; i < 40; i++) (await Client.open()).ask(tftp.port);
  await until(() => tftp.counters().requests === 40);
  const seconds = 2 + Math.floor((systemClock.monotonicMs() - began) / 1000);
  expect(tftp.counters().dropped).toBeGreaterThanOrEqual(40 - 3 * seconds);
});

test("a rack of machines behind one address is served at once", async () => {
  const { tftp, seen } = await server();
  const rack = await Promise.all(Array.from({ length: 200 }, () => Client.open()));
  // All have asked, and got their first block, before one answers.
  for (const client of rack) {
    client.ask(tftp.port);
    await client.arrived();
  }
  expect(tftp.counters().sessions).toBe(200);
  for (const taken of await Promise.all(rack.map((client) => client.take()))) expect(taken).toEqual(content);
  await until(() => seen.length === 200);
  expect(new Set(seen.map(({ outcome }) => outcome))).toEqual(new Set(["ok"]));
  expect(tftp.counters().dropped).toBe(0);
});

test("nobody takes the place of who is about to answer; who asks again gets one that became free", async () => {
  const { tftp } = await server({ limits: { maxSessionsPerClient: 2 } });
  const [first, second, third] = [await Client.open(), await Client.open(), await Client.open()];
  for (const client of [first, second]) {
    client.ask(tftp.port);
    await client.arrived();
  }
  third.ask(tftp.port);
  await until(() => tftp.counters().dropped === 1);
  expect(await first.take()).toEqual(content);
  await until(() => tftp.counters().sessions === 1);
  third.ask(tftp.port);
  expect(await third.take()).toEqual(content);
});

test("who never answers is given up, however long a wait it asked for", async () => {
  const { tftp, seen } = await server({ limits: { unansweredMs: 200 } });
  const client = await Client.open();
  client.say(
    encodeRequest({ type: "read", file: "ipxe.efi", mode: "octet", options: new Map([["timeout", "255"]]) }),
    tftp.port,
  );
  await until(() => seen.length === 1);
  expect(seen[0]).toMatchObject({ outcome: "failed", details: { error: "the client never answered" } });
  expect(tftp.counters().sessions).toBe(0);
});

test("one address cannot have all transfers at once", async () => {
  const { tftp, seen } = await server({ limits: { maxSessionsPerClient: 2 } });
  const clients = [await Client.open(), await Client.open(), await Client.open()];
  for (const client of clients.slice(0, 2)) {
    client.ask(tftp.port);
    await client.hear();
    client.say(encodeAck(1));
    await client.hear();
  }
  clients[2]!.ask(tftp.port);
  await until(() => tftp.counters().dropped === 1);
  expect(seen).toMatchObject([{ outcome: "refused", details: { error: "too many transfers at a time" } }]);
});

test("a transfer that takes too long is ended", async () => {
  const { tftp, seen } = await server({ limits: { lifetimeMs: 100 } });
  const client = await Client.open();
  client.ask(tftp.port);
  await client.hear();
  expect(await client.hear()).toMatchObject({ type: "error", message: "it took too long" });
  expect(seen).toMatchObject([{ outcome: "failed" }]);
});

test.each([false, true])("garbage harms nobody (single port: %s)", async (singlePort) => {
  const { tftp } = await server({ singlePort });
  const noise = await Client.open();
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  const request = encodeRequest({
    type: "read",
    file: "ipxe.efi",
    mode: "octet",
    options: new Map([["blksize", "8"]]),
  });
  for (let i = 0; i < 3000; i++) {
    const packet = i % 2 ? Buffer.from(request) : Buffer.alloc(random(700));
    for (let j = 0; j < 4 && packet.length > 0; j++) packet[random(packet.length)] = random(256);
    noise.say(packet, tftp.port);
    if (i % 50 === 0) await systemClock.sleep(1);
  }
  // It has the noise's address, and asks again until it is heard, as all clients do.
  const client = await Client.open();
  const asking = setInterval(() => client.ask(tftp.port), 500);
  await client.arrived();
  clearInterval(asking);
  expect(await client.take()).toEqual(content);
  expect(tftp.counters().faults).toBe(0);
});

test("it says who has the port", async () => {
  const { tftp } = await server();
  await expect(
    startTftpServer({
      address: "127.0.0.1",
      port: tftp.port,
      files: () => new Map(),
      observe: () => {},
      clock: systemClock,
    }),
  ).rejects.toMatchObject({ code: "PORT_IN_USE", message: expect.stringContaining("process") });
});
