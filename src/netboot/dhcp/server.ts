import type { Clock } from "../../base/clock.js";
import { messageOf } from "../../base/errors.js";
import type { Observation, Observe } from "../observation.js";
import { PerSecond } from "../per-second.js";
import { answerDhcp, answerProxyRequest } from "./answer.js";
import { type DhcpPacket, decodeDhcp, encodeDhcp, roomOf } from "./codec.js";
import { type DhcpLab, networkFor, type ServedNetwork } from "./lab.js";
import type { LeaseStore } from "./lease-store.js";
import { observationOf, otherServerObservation } from "./observations.js";
import { addressOption, option } from "./options.js";
import { type ProbeCounters, ProbedOffers } from "./probed-offers.js";
import { Reminder } from "./reminder.js";
import { type Adjusted, type DhcpPorts, type Ear, Ears } from "./sockets.js";
import type { DhcpAnswer, DhcpView } from "./turn.js";

export interface DhcpServerOptions {
  /** What answers follow from. The same object until something changed; then call `refresh`. */
  lab: () => DhcpLab;
  leases: LeaseStore;
  observe: Observe;
  clock: Clock;
  /** For tests. @default { server: 67, client: 68, bootServer: 4011 } */
  ports?: DhcpPorts;
  limits?: Partial<DhcpLimits>;
  /**
   * Whether it is asked who has an address before that is offered, in networks that do not say otherwise (RFC 2131 §2.2).
   *
   * @default false
   */
  probe?: boolean;
}

export interface DhcpLimits {
  /** Requests that wait for the disk; what comes beyond is dropped, and clients ask again. */
  maxPending: number;
  /** Bytes of answers that wait for the network; what comes beyond is dropped. */
  maxUnsentBytes: number;
}

export const defaultDhcpLimits: DhcpLimits = { maxPending: 16_384, maxUnsentBytes: 8 << 20 };

/** What happened since the start, by kind. */
export interface DhcpCounters extends ProbeCounters {
  received: number;
  answered: number;
  /** Packets that are no DHCP, or replies on the server's port. */
  invalid: number;
  /** Of a network that is none of ours, as by a relay that nobody described. */
  strange: number;
  /** Without an answer, as there were too many at a time. */
  dropped: number;
  /** Answers of other servers on the wire. */
  foreign: number;
  /** Errors in our own code, of the disk or of the network that a packet led to. */
  faults: number;
}

export interface DhcpServer extends AsyncDisposable {
  counters(): Readonly<DhcpCounters>;
  /**
   * After the lab changed: sockets for new networks, none for those that are gone.
   *
   * @returns what cannot be listened on, and why; all else is served
   */
  refresh(): Promise<Adjusted["failed"]>;
  /** Stops listening; comes back when answers that wait for the disk are out. The leases stay open. */
  close(): Promise<void>;
}

/** Of machines that the lab does not describe so many packets a second are told of: anybody can make them up. */
const maxStrangersTold = 200;

/** RFC 1542 §4.1.1 */
const maxHops = 16;
/**
 * Serves DHCP and proxyDHCP on all networks of a lab (RFC 2131, PXE 2.1 §2.2).
 *
 * @throws {SlipwayError} `PORT_IN_USE`, `PERMISSION_DENIED`, `ADDRESS_INVALID`, `PREFLIGHT_FAILED`, `PROGRAM_NOT_FOUND`
 */
export async function startDhcpServer(options: DhcpServerOptions): Promise<DhcpServer> {
  const server = new Server(options);
  const [failed] = await server.refresh();
  if (failed) {
    await server.close();
    throw failed.error;
  }
  return server;
}

class Server implements DhcpServer {
  readonly #options: DhcpServerOptions;
  readonly #limits: DhcpLimits;
  readonly #ports: DhcpPorts;
  readonly #ears: Ears;
  readonly #reminder = new Reminder();
  readonly #strangersTold = new PerSecond(maxStrangersTold);
  readonly #counters: DhcpCounters = {
    received: 0,
    answered: 0,
    invalid: 0,
    strange: 0,
    dropped: 0,
    foreign: 0,
    delayed: 0,
    unprobed: 0,
    conflicts: 0,
    faults: 0,
  };
  readonly #probed: ProbedOffers | undefined;
  #lab: DhcpLab | undefined;
  #closing = false;
  #unfinished = 0;
  #whenFinished: (() => void) | undefined;

  constructor(options: DhcpServerOptions) {
    this.#options = options;
    this.#limits = { ...defaultDhcpLimits, ...options.limits };
    this.#ports = options.ports ?? { server: 67, client: 68, bootServer: 4011 };
    this.#ears = new Ears(this.#ports, (ear) => this.#listen(ear));
    if (!options.probe) return;
    this.#probed = new ProbedOffers({
      networks: () => this.#current().networks.map(({ network }) => network),
      leases: options.leases,
      observe: options.observe,
      clock: options.clock,
      counters: this.#counters,
      onFault: (why) => this.#tellFault(why),
    });
  }

  counters(): Readonly<DhcpCounters> {
    return { ...this.#counters };
  }

  async refresh(): Promise<Adjusted["failed"]> {
    const { deaf, failed } = await this.#ears.adjust(this.#current());
    for (const problem of deaf) this.#tellFault(`other servers are not overheard: ${problem}`);
    this.#probed?.ahead();
    return failed;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#probed?.close();
    // Answers that wait for the disk need the sockets.
    if (this.#unfinished > 0) {
      await new Promise<void>((resolve) => {
        this.#whenFinished = resolve;
      });
    }
    await this.#ears.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #current(): DhcpLab {
    const lab = this.#options.lab();
    if (lab !== this.#lab) {
      this.#lab = lab;
      this.#options.leases.setNetworks(lab.networks);
    }
    return lab;
  }

  #listen(ear: Ear): void {
    const handle = {
      broadcasts: (bytes: Buffer) => this.#receive(ear, bytes),
      server: (bytes: Buffer) => this.#receive(ear, bytes),
      "boot-server": (bytes: Buffer, from: Sender) => this.#receiveBoot(ear, bytes, from),
      overheard: (bytes: Buffer, from: Sender) => this.#overhear(ear, bytes, from),
    }[ear.role];
    ear.socket.on("message", (bytes, from) => {
      this.#guard(() => handle(bytes, from));
    });
    ear.socket.on("error", (error) => this.#fault(error));
  }

  #guard(work: () => void): void {
    if (this.#closing) return;
    try {
      work();
    } catch (error) {
      this.#fault(error);
    }
  }

  #receive(ear: Ear, bytes: Buffer): void {
    const packet = this.#decode(bytes);
    if (packet) this.#answer(ear, packet, 1);
  }

  #answer(ear: Ear, packet: DhcpPacket, attempt: number): void {
    const lab = this.#current();
    const served = networkFor(lab, packet, ear.interface);
    if (!served) {
      this.#counters.strange++;
      return;
    }
    if (this.#options.leases.pending >= this.#limits.maxPending) {
      this.#counters.dropped++;
      return;
    }
    const now = this.#options.clock.now();
    const answer = answerDhcp(packet, this.#view(lab, served, now));
    const { change } = answer;
    const again = () => this.#guard(() => this.#answer(ear, packet, attempt + 1));
    if (this.#probed?.waits(served.network, answer, attempt, again)) return;
    if (change === undefined) this.#reply(ear, packet, answer);
    else {
      this.#unfinished++;
      this.#options.leases.change(change, (error) => {
        if (error) this.#fault(error);
        else this.#reply(ear, packet, answer);
        if (--this.#unfinished === 0) this.#whenFinished?.();
      });
    }
    const stage = served.network.mode === "proxy" ? "proxydhcp" : "dhcp";
    this.#tell(observationOf(answer, packet, stage, now), lab);
  }

  #receiveBoot(ear: Ear, bytes: Buffer, from: Sender): void {
    const packet = this.#decode(bytes);
    if (!packet) return;
    const lab = this.#current();
    const served =
      networkFor(lab, packet, ear.interface) ??
      lab.networks.find(({ network }) => network.address === ear.address);
    if (!served || served.network.mode === "none") {
      this.#counters.strange++;
      return;
    }
    const now = this.#options.clock.now();
    const answer = answerProxyRequest(packet, this.#view(lab, served, now));
    // It may use the address that it just got: the kernel knows where it is, as it has spoken to us.
    if (answer.reply) this.#send(ear, packet, answer.reply.packet, from);
    this.#tell(observationOf(answer, packet, "proxydhcp", now, from.address), lab);
  }

  #tell(observation: Observation | undefined, { machines }: DhcpLab): void {
    if (!observation) return;
    const { mac } = observation;
    const described = mac !== undefined && machines.byMac.has(mac);
    if (described || this.#strangersTold.allows(this.#options.clock.monotonicMs())) {
      this.#options.observe(observation);
    }
  }

  #overhear(ear: Ear, bytes: Buffer, from: Sender): void {
    // The kernel lets us hear ourselves.
    if (from.address === ear.address) return;
    const decoded = decodeDhcp(bytes);
    if ("invalid" in decoded || decoded.packet.op !== "reply") return;
    this.#counters.foreign++;
    const served = this.#current().networks.find(({ network }) => network.interface === ear.interface);
    if (!served) return;
    const now = this.#options.clock.now();
    const server = addressOption(decoded.packet.options, option.serverId) ?? from.address;
    if (!this.#reminder.isDue(`${ear.interface} ${server}`, now.getTime())) return;
    this.#options.observe(otherServerObservation(server, decoded.packet, served.network, now));
  }

  #decode(bytes: Buffer): DhcpPacket | undefined {
    this.#counters.received++;
    const decoded = decodeDhcp(bytes);
    if ("packet" in decoded && decoded.packet.op === "request" && decoded.packet.hops <= maxHops) {
      return decoded.packet;
    }
    this.#counters.invalid++;
    return undefined;
  }

  #view({ machines, netboots }: DhcpLab, { network, boot }: ServedNetwork, now: Date): DhcpView {
    const leases = this.#options.leases.view(network.subnet);
    return { network, boot, machines, netboots, leases, now: now.getTime() };
  }

  #reply(ear: Ear, request: DhcpPacket, { reply }: DhcpAnswer): void {
    if (!reply) return;
    const { address, port } = reply.to;
    this.#send(ear, request, reply.packet, {
      address,
      port: port === 68 ? this.#ports.client : this.#ports.server,
    });
  }

  /** By the interface, and from our address there, that the request came by. */
  #send(ear: Ear, request: DhcpPacket, packet: DhcpPacket, to: Sender): void {
    const socket = ear.role === "broadcasts" ? this.#ears.voice(ear.address, ear.interface) : ear.socket;
    if (!socket) return;
    if (socket.getSendQueueSize() > this.#limits.maxUnsentBytes) {
      this.#counters.dropped++;
      return;
    }
    const { bytes } = encodeDhcp(packet, roomOf(request));
    this.#counters.answered++;
    socket.send(bytes, to.port, to.address, this.#onSent);
  }

  readonly #onSent = (error: Error | null): void => {
    if (error) this.#fault(error);
  };

  #fault(error: unknown): void {
    this.#counters.faults++;
    this.#tellFault(messageOf(error));
  }

  #tellFault(error: string): void {
    const now = this.#options.clock.now();
    if (!this.#reminder.isDue(error, now.getTime())) return;
    this.#options.observe({
      time: now.toISOString(),
      stage: "dhcp",
      what: "fault",
      outcome: "failed",
      details: { error },
    });
  }
}

interface Sender {
  address: string;
  port: number;
}
