import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import {
  decodePacket,
  encodeAck,
  encodeError,
  encodeRequest,
  type TftpPacket,
  tftpError,
} from "../../src/netboot/tftp/codec.js";
import { Lost, patiently, romTftp, type Tally } from "./patience.js";

export interface TftpFetch {
  /** The machine's own. */
  from: string;
  server: string;
  file: string;
  /** As the firmware offers it. */
  options: Readonly<Record<string, string>>;
  tally: Tally;
}

/** A file as firmware gets it: first its size, by a transfer that is broken off, then all of it. @throws {Lost} */
export async function tftpFetch(fetch: TftpFetch): Promise<number> {
  const sizeBytes = await transfer(fetch, { ...fetch.options, tsize: "0" }, (conversation) => {
    const size = Number(conversation.options.get("tsize"));
    conversation.say(encodeError(tftpError.optionsRefused, "the size is known"));
    return Promise.resolve(size);
  });
  const received = await transfer(fetch, fetch.options, (conversation) => conversation.receive());
  if (received !== sizeBytes) throw new Lost(`TFTP: ${received} of ${sizeBytes} bytes of ${fetch.file}`);
  return received;
}

async function transfer<T>(
  { from, server, file, tally }: TftpFetch,
  options: Readonly<Record<string, string>>,
  use: (conversation: Conversation) => Promise<T>,
): Promise<T> {
  const socket = createSocket("udp4");
  try {
    socket.bind(0, from);
    await once(socket, "listening");
    const conversation = new Conversation(socket, server, tally);
    const request = { type: "read", file, mode: "octet", options: new Map(Object.entries(options)) } as const;
    await conversation.begin(encodeRequest(request));
    return await use(conversation);
  } finally {
    socket.close();
  }
}

/** One transfer: packets in lockstep, or a window of them at a time (RFC 7440). */
class Conversation {
  options: ReadonlyMap<string, string> = new Map();
  readonly #socket: Socket;
  readonly #server: string;
  readonly #tally: Tally;
  /** The server's port for this transfer. */
  #port: number | undefined;
  #hear: (packet: TftpPacket) => void = () => {};

  constructor(socket: Socket, server: string, tally: Tally) {
    this.#socket = socket;
    this.#server = server;
    this.#tally = tally;
    socket.on("message", (bytes, { port }) => {
      this.#port ??= port;
      const packet = port === this.#port ? decodePacket(bytes) : undefined;
      if (packet) this.#hear(packet);
    });
  }

  say(bytes: Buffer): void {
    this.#socket.send(bytes, this.#port ?? 69, this.#server);
  }

  async begin(request: Buffer): Promise<void> {
    const answer = new Promise<TftpPacket>((resolve) => {
      this.#hear = resolve;
    });
    const packet = await patiently("TFTP answer", romTftp, this.#tally, () => this.say(request), answer);
    if (packet.type !== "optionAck")
      throw new Lost(packet.type === "error" ? `TFTP: ${packet.message}` : "TFTP: no OACK");
    this.options = packet.options;
  }

  /** Gives the length. */
  async receive(): Promise<number> {
    const blockSize = Number(this.options.get("blksize") ?? 512);
    const windowSize = Number(this.options.get("windowsize") ?? 1);
    let [block, received] = [0, 0];
    for (;;) {
      let unacknowledged = 0;
      const windowEnd = new Promise<boolean>((resolve, reject) => {
        this.#hear = (packet) => {
          if (packet.type === "error") reject(new Lost(`TFTP: ${packet.message}`));
          if (packet.type !== "data" || packet.block !== ((block + 1) & 0xffff)) return;
          block++;
          unacknowledged++;
          received += packet.data.length;
          const last = packet.data.length < blockSize;
          if (last || unacknowledged >= windowSize) resolve(last);
        };
      });
      const ack = () => {
        unacknowledged = 0;
        this.say(encodeAck(block & 0xffff));
      };
      if (await patiently("TFTP block", romTftp, this.#tally, ack, windowEnd)) break;
    }
    this.say(encodeAck(block & 0xffff));
    return received;
  }
}
