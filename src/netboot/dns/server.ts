import type { Socket as UdpSocket } from "node:dgram";
import { createServer, type Server as TcpListener, type Socket as TcpSocket } from "node:net";
import type { Clock } from "../../base/clock.js";
import { SlipwayError } from "../../base/errors.js";
import { listenError, openUdp } from "../../net/listen.js";
import type { Observation, Observe } from "../observation.js";
import { PerSecond, PerSecondEach } from "../per-second.js";
import {
  answerQuery,
  cutToQuestion,
  type DnsQuery,
  failedReply,
  type Rcode,
  type Transport,
  truncated,
} from "./answer.js";
import { forward } from "./forward.js";
import { frame, MessageReader } from "./framing.js";
import type { DnsNames } from "./names.js";
import { parseUpstream, type Upstream, upstreamText } from "./upstream.js";

export interface DnsServerOptions {
  /** The server's own address on the machines' network (IPv4): answers must come from where clients asked. */
  address: string;
  /** UDP and TCP. @default 53 */
  port?: number;
  /** What is known now: asked for at each query. */
  names: () => DnsNames;
  /** Servers for everything else, as `LabDns.forward` has them. None: everything else is refused. */
  forward: readonly string[];
  /** Who is answered; others get nothing. @default everybody */
  serves?: (address: string) => boolean;
  observe: Observe;
  clock: Clock;
  limits?: Partial<DnsLimits>;
}

export interface DnsLimits {
  /** Forwarded queries that wait for their answer; one more fails at once. */
  maxForwarded: number;
  maxTcpConnections: number;
  maxTcpConnectionsPerClient: number;
  /** A TCP connection on which so long nothing was asked is closed. */
  tcpIdleMs: number;
  /**
   * Bytes a second by which UDP answers to one address may be longer than what was asked. The address may be forged, and its
   * owner is not to be flooded; beyond, it is told to come by TCP, which nobody can forge.
   */
  maxAmplifiedBytes: number;
}

export const defaultDnsLimits: DnsLimits = {
  maxForwarded: 512,
  maxTcpConnections: 128,
  maxTcpConnectionsPerClient: 16,
  tcpIdleMs: 10_000,
  maxAmplifiedBytes: 64 * 1024,
};

export interface DnsCounters {
  queries: number;
  forwarded: number;
  /** Packets and connections that were not served: no queries, too many at a time, strangers. */
  dropped: number;
  /** Errors in our own code that a packet led to. */
  faults: number;
}

export interface DnsServer extends AsyncDisposable {
  port: number;
  counters(): DnsCounters;
  close(): Promise<void>;
}

/** More a second are answered, but not told of one by one. */
const maxTold = 200;
const maxTcpQueryBytes = 1024;

/**
 * Answers DNS queries over UDP and TCP (RFC 1035, 7766).
 *
 * @throws {SlipwayError} `PORT_IN_USE`, `PERMISSION_DENIED`, `ADDRESS_INVALID`; `CONFIG_INVALID` when it would ask itself.
 */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const upstreams = options.forward.map(parseUpstream);
  const wanted = options.port ?? 53;
  if (upstreams.some(({ address, port }) => address === options.address && port === wanted)) {
    throw new SlipwayError("CONFIG_INVALID", `DNS queries would be forwarded to ${options.address} itself`, {
      hint: "name another server under dns.forward",
    });
  }
  const udp = await openUdp({ address: options.address, port: wanted });
  const { port } = udp.address();
  const tcp = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      tcp.once("error", reject);
      tcp.listen({ host: options.address, port, exclusive: true }, resolve);
    });
  } catch (error) {
    udp.close();
    throw await listenError({ address: options.address, port, protocol: "tcp" }, error);
  }
  return new Server(options, upstreams, udp, tcp, port);
}

class Server implements DnsServer {
  readonly port: number;
  readonly #options: DnsServerOptions;
  readonly #limits: DnsLimits;
  readonly #upstreams: readonly Upstream[];
  readonly #udp: UdpSocket;
  readonly #tcp: TcpListener;
  readonly #counters: DnsCounters = { queries: 0, forwarded: 0, dropped: 0, faults: 0 };
  readonly #connections = new Map<TcpSocket, string>();
  readonly #telling = new PerSecond(maxTold);
  readonly #amplified: PerSecondEach;
  readonly #stopping = new AbortController();
  #waiting = 0;

  constructor(
    options: DnsServerOptions,
    upstreams: readonly Upstream[],
    udp: UdpSocket,
    tcp: TcpListener,
    port: number,
  ) {
    this.#options = options;
    this.#limits = { ...defaultDnsLimits, ...options.limits };
    this.#amplified = new PerSecondEach(this.#limits.maxAmplifiedBytes);
    this.#upstreams = upstreams;
    this.#udp = udp;
    this.#tcp = tcp;
    this.port = port;
    udp.on("error", () => this.#counters.faults++);
    udp.on("message", (bytes, peer) => {
      if (peer.port === 0 || !this.#serves(peer.address)) this.#counters.dropped++;
      else {
        const { length } = bytes;
        this.#handle(bytes, "udp", peer.address, (answer) =>
          udp.send(this.#unamplified(length, answer, peer.address), peer.port, peer.address),
        );
      }
    });
    tcp.on("error", () => this.#counters.faults++);
    tcp.on("connection", (socket) => this.#onConnection(socket));
  }

  counters(): DnsCounters {
    return { ...this.#counters };
  }

  async close(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    for (const socket of this.#connections.keys()) socket.destroy();
    await Promise.all([
      new Promise<void>((resolve) => this.#udp.close(resolve)),
      new Promise<void>((resolve) => this.#tcp.close(() => resolve())),
    ]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #unamplified(asked: number, answer: Buffer, address: string): Buffer {
    const more = answer.length - asked;
    return more <= 0 || this.#amplified.allows(address, this.#options.clock.monotonicMs(), more)
      ? answer
      : cutToQuestion(answer);
  }

  #serves(address: string): boolean {
    return this.#options.serves?.(address) ?? true;
  }

  #onConnection(socket: TcpSocket): void {
    const address = socket.remoteAddress ?? "";
    const ofClient = [...this.#connections.values()].filter((other) => other === address).length;
    socket.on("error", () => socket.destroy());
    if (
      this.#connections.size >= this.#limits.maxTcpConnections ||
      ofClient >= this.#limits.maxTcpConnectionsPerClient ||
      !this.#serves(address)
    ) {
      this.#counters.dropped++;
      socket.destroy();
      return;
    }
    this.#connections.set(socket, address);
    // From the last whole query on, however many single bytes arrive in between.
    const idle = setTimeout(() => socket.destroy(), this.#limits.tcpIdleMs);
    socket.on("close", () => {
      clearTimeout(idle);
      this.#connections.delete(socket);
    });
    const reader = new MessageReader(maxTcpQueryBytes);
    socket.on("data", (bytes) => {
      const queries = reader.take(bytes);
      // Who does not read its answers gets no more of them.
      if (!queries || socket.writableLength > 65_536) socket.destroy();
      for (const query of queries ?? []) {
        idle.refresh();
        this.#handle(query, "tcp", address, (answer) => socket.writable && socket.write(frame(answer)));
      }
    });
  }

  #handle(bytes: Buffer, transport: Transport, address: string, send: (answer: Buffer) => void): void {
    try {
      const answer = answerQuery(bytes, this.#options.names(), {
        transport,
        forwards: this.#upstreams.length > 0,
      });
      if (answer.type === "none") this.#counters.dropped++;
      else {
        this.#counters.queries++;
        if (answer.type === "forward") void this.#forward(answer.query, transport, address, send);
        else {
          send(answer.bytes);
          this.#tell(address, answer.about, answer.rcode, { transport, because: answer.because });
        }
      }
    } catch {
      this.#counters.faults++;
    }
  }

  async #forward(
    query: DnsQuery,
    transport: Transport,
    address: string,
    send: (answer: Buffer) => void,
  ): Promise<void> {
    this.#counters.forwarded++;
    const started = this.#options.clock.monotonicMs();
    this.#waiting++;
    try {
      const busy = this.#waiting > this.#limits.maxForwarded;
      const answer = busy
        ? undefined
        : await forward(query, transport, this.#upstreams, this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      const durationMs = Math.round((this.#options.clock.monotonicMs() - started) * 10) / 10;
      if (answer) {
        send(truncated(query, answer.bytes));
        const rcode = rcodeOf(answer.bytes);
        this.#tell(
          address,
          query.about,
          rcode,
          { transport, forwarded: upstreamText(answer.by) },
          durationMs,
        );
      } else {
        const because = busy ? "too many queries wait for other servers" : "no server answered";
        send(failedReply(query, because).bytes);
        this.#tell(address, query.about, "SERVFAIL", { transport, because }, durationMs);
      }
    } catch {
      this.#counters.faults++;
    } finally {
      this.#waiting--;
    }
  }

  #tell(
    address: string,
    what: string,
    rcode: Rcode | string,
    details: Record<string, string>,
    durationMs?: number,
  ): void {
    const { clock, observe } = this.#options;
    if (!this.#telling.allows(clock.monotonicMs())) return;
    observe({
      time: clock.now().toISOString(),
      address,
      stage: "dns",
      what: what.replace(/\p{C}/gu, "\uFFFD"),
      outcome: outcomeOf(rcode),
      ...(durationMs === undefined ? {} : { durationMs }),
      details: { ...details, rcode },
    });
  }
}

/** As dig writes them; the first bits of the answer's second flag byte. */
const rcodeOf = (answer: Buffer): string =>
  ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"][answer[3]! & 0xf] ??
  `RCODE${answer[3]! & 0xf}`;

const outcomeOf = (rcode: string): Observation["outcome"] =>
  rcode === "NOERROR" || rcode === "NXDOMAIN" ? "ok" : rcode === "SERVFAIL" ? "failed" : "refused";
