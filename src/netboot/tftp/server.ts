import type { Socket } from "node:dgram";
import type { Clock } from "../../base/clock.js";
import { burstBytes, openUdp } from "../../net/listen.js";
import type { Observe } from "../observation.js";
import { answerRequest, type TftpAnswer } from "./answer.js";
import { Attention } from "./attention.js";
import { decodePacket, encodeError, type TftpRequest, tftpError } from "./codec.js";
import type { TftpFiles } from "./files.js";
import type { TermLimits } from "./negotiate.js";
import { Reporter } from "./reporter.js";
import { Session } from "./session.js";
import { type Entry, type SessionLimits, Sessions } from "./sessions.js";
import { ownWire, type Peer, sharedWire } from "./wire.js";

export interface TftpLimits extends SessionLimits, TermLimits {
  /** A transfer that takes longer is ended. */
  lifetimeMs: number;
  /** Who has not answered after this time is given up, however long a wait it asked for (RFC 2349: up to 255 s). */
  unansweredMs: number;
}

export const defaultTftpLimits: TftpLimits = {
  maxSessions: 2048,
  maxSessionsPerClient: 512,
  maxNewPerSecond: 512,
  // Of Ethernet's 1500 bytes IP takes 20, UDP 8 and TFTP 4.
  maxBlockSize: 1468,
  maxWindowSize: 64,
  lifetimeMs: 3_600_000,
  unansweredMs: 30_000,
};

export interface TftpServerOptions {
  /** The server's own address on the machines' network (IPv4): answers must come from where clients asked. */
  address: string;
  /** @default 69 */
  port?: number;
  /** All transfers over the one port, for firewalls and NAT that let no other through. @default false */
  singlePort?: boolean;
  /** What there is now: asked for at each request, so that it can be another map the next time. */
  files: () => TftpFiles;
  /** The largest block that this client may have, where it cannot have what others can. */
  maxBlockSizeOf?: (address: string) => number | undefined;
  observe: Observe;
  clock: Clock;
  limits?: Partial<TftpLimits>;
}

/** What happened since the start, by kind. */
export interface TftpCounters {
  requests: number;
  /** Requests that got an error: no such file, a write … */
  refused: number;
  /** Requests without an answer, as there were too many at a time: clients ask again. */
  dropped: number;
  /** Packets that are none, or belong to nothing. */
  stray: number;
  /** Errors in our own code that a packet led to. */
  faults: number;
}

export interface TftpServer extends AsyncDisposable {
  port: number;
  counters(): TftpCounters & { sessions: number };
  /** Ends all transfers. */
  close(): Promise<void>;
}

/** How often it is looked who has been silent for too long. */
const tickMs = 50;

/**
 * Serves files read-only (RFC 1350, 2347–2349, 7440).
 *
 * @throws {SlipwayError} `PORT_IN_USE`, `PERMISSION_DENIED`, `ADDRESS_INVALID` when it cannot listen.
 */
export async function startTftpServer(options: TftpServerOptions): Promise<TftpServer> {
  const socket = await openUdp({ address: options.address, port: options.port ?? 69 });
  socket.setRecvBufferSize(burstBytes); // no more than net.core.rmem_max
  return new Server(options, socket);
}

type Transfer = Extract<TftpAnswer, { type: "transfer" }>;

class Server implements TftpServer {
  readonly port: number;
  readonly #options: TftpServerOptions;
  readonly #limits: TftpLimits;
  readonly #socket: Socket;
  readonly #sessions: Sessions;
  readonly #reporter: Reporter;
  readonly #attention: Attention;
  readonly #counters: TftpCounters = { requests: 0, refused: 0, dropped: 0, stray: 0, faults: 0 };
  /** Runs while there are sessions. */
  #ticking: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: TftpServerOptions, socket: Socket) {
    this.#options = options;
    this.#limits = { ...defaultTftpLimits, ...options.limits };
    this.#sessions = new Sessions(this.#limits);
    this.#socket = socket;
    this.#attention = new Attention(() => options.clock.monotonicMs());
    this.#reporter = new Reporter(options.observe, options.clock);
    this.port = socket.address().port;
    socket.on("error", () => this.#counters.faults++);
    socket.on("message", (packet, peer) => {
      try {
        this.#onPacket(packet, peer);
      } catch {
        this.#counters.faults++;
      }
    });
  }

  counters(): TftpCounters & { sessions: number } {
    return { ...this.#counters, sessions: this.#sessions.size };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const session of this.#sessions.running()) session.abort("the server is stopping");
    clearInterval(this.#ticking);
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #onPacket(bytes: Buffer, peer: Peer): void {
    const packet = decodePacket(bytes);
    if (peer.port === 0) this.#counters.stray++;
    else if (packet?.type === "read" || packet?.type === "write") this.#onRequest(packet, bytes, peer);
    else if (this.#options.singlePort) this.#onTransferPacket(bytes, this.#sessions.find(peer)?.session);
    else this.#counters.stray++;
  }

  #onTransferPacket(bytes: Buffer, session: Session | undefined): void {
    const packet = decodePacket(bytes);
    if (!session || (packet?.type !== "ack" && packet?.type !== "error")) this.#counters.stray++;
    else {
      const now = this.#now();
      this.#attention.answered(session.handle(packet, now), now);
    }
  }

  #onRequest(request: TftpRequest, bytes: Buffer, peer: Peer): void {
    this.#counters.requests++;
    const running = this.#sessions.find(peer);
    if (running && !this.#giveWay(running, bytes)) return;
    const answer = this.#answer(request, peer);
    if (answer.type === "refusal") this.#refuse(request, peer, answer.code, answer.why);
    else if (this.#sessions.makeRoom(peer.address, this.#now())) {
      void this.#start(request, answer, { peer, request: Buffer.from(bytes) });
    } else {
      this.#counters.dropped++;
      this.#reporter.refused(request, peer, "too many transfers at a time");
    }
  }

  /**
   * A client asks again from a port whose request is being answered.
   *
   * @returns whether the new request is to be answered in the other's place
   */
  #giveWay({ request, session }: Entry, bytes: Buffer): boolean {
    const same = request.equals(bytes);
    if (!session) return false;
    if (same && !session.state.answered) {
      // It did not hear us: as if the wait were over.
      session.handle({ type: "timeout" }, this.#now());
      return false;
    }
    // A late duplicate, as the client is heard from; a client that was silent has started anew.
    if (same && session.state.silences === 0) return false;
    // UEFI's error that ends its question for the size can come later than the request that follows it.
    if (session.state.phase === "options") {
      session.handle(
        { type: "error", code: tftpError.optionsRefused, message: "it asked anew" },
        this.#now(),
      );
    } else session.lose("the client asked anew");
    return true;
  }

  async #start(request: TftpRequest, { name, source, terms }: Transfer, entry: Entry): Promise<void> {
    const { peer } = entry;
    const time = this.#options.clock.now();
    this.#sessions.add(entry);
    try {
      const wire = this.#options.singlePort
        ? sharedWire(this.#socket, peer)
        : await ownWire(
            this.#options.address,
            peer,
            (packet) => this.#guard(() => this.#onTransferPacket(packet, entry.session)),
            (why) => entry.session?.lose(why),
          );
      if (this.#closed) return wire.close();
      entry.session = new Session(terms, source, wire, this.#now(), (outcome) => {
        this.#sessions.remove(entry);
        if (this.#sessions.size === 0) this.#stopTicking();
        if (entry.session) this.#reporter.ended(request, name, peer, time, entry.session, outcome);
      });
      this.#ticking ??= setInterval(() => this.#tick(), tickMs);
    } catch {
      // No socket to be had: the client asks again.
      this.#sessions.remove(entry);
      this.#counters.dropped++;
    }
  }

  #guard(handle: () => void): void {
    try {
      handle();
    } catch {
      this.#counters.faults++;
    }
  }

  #tick(): void {
    const now = this.#now();
    for (const session of this.#sessions.running()) {
      this.#guard(() => session.tick(now, this.#limits));
    }
  }

  #stopTicking(): void {
    clearInterval(this.#ticking);
    this.#ticking = undefined;
  }

  #answer(request: TftpRequest, { address }: Peer): TftpAnswer {
    const { maxBlockSize, maxWindowSize } = this.#limits;
    const own = this.#options.maxBlockSizeOf?.(address) ?? maxBlockSize;
    return answerRequest(request, this.#options.files(), {
      maxBlockSize: Math.min(maxBlockSize, own),
      maxWindowSize,
    });
  }

  #refuse(request: TftpRequest, peer: Peer, code: number, why: string): void {
    this.#counters.refused++;
    this.#socket.send(encodeError(code, why), peer.port, peer.address);
    this.#reporter.refused(request, peer, why);
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }
}
