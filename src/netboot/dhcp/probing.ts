import { networkInterfaces } from "node:os";
import type { ProbeTarget } from "../../net/address-probe.js";
import type { DhcpNetwork } from "./network.js";

export interface ProbingLimits {
  /** How long an answer is waited for. A ROM asks again after 4 s. */
  waitMs: number;
  /** It is asked a second time after so long: one packet may be lost. */
  repeatMs: number;
  /** How long an address that nobody answered for counts as free. */
  rememberMs: number;
  /** Addresses that are asked for at a time. */
  maxProbes: number;
  /** Offers that wait for an answer. */
  maxWaiting: number;
  /** When there are more, nobody waits and nothing is asked for so long: a storm outruns the answers anyway. */
  restMs: number;
}

export const defaultProbingLimits: ProbingLimits = {
  waitMs: 450,
  repeatMs: 200,
  rememberMs: 60_000,
  maxProbes: 384,
  maxWaiting: 256,
  restMs: 2000,
};

interface Probe {
  network: DhcpNetwork;
  waiting: (() => void)[];
}

export interface ProbingOptions {
  /** @returns false when it cannot be done now */
  ask: (targets: readonly ProbeTarget[]) => boolean;
  /** Somebody has an address that was asked for. Comes before those who wait for it are called. */
  onUsed: (network: DhcpNetwork, address: string, mac: string | undefined) => void;
  limits?: Partial<ProbingLimits>;
}

/**
 * Whether somebody uses an address that nobody was given (RFC 2131 §2.2, §4.4.1). Many are asked for at a time, each answer
 * is remembered for a while, and addresses that come next are asked for ahead, so that an offer seldom waits.
 */
export class Probing {
  readonly #options: ProbingOptions;
  readonly #limits: ProbingLimits;
  readonly #probes = new Map<string, Probe>();
  /** Addresses that nobody answered for, the oldest first, with the end of the time that it counts. */
  readonly #free = new Map<string, number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #waiting = 0;
  #restUntil = Number.NEGATIVE_INFINITY;
  #own: { addresses: ReadonlySet<string>; until: number } = { addresses: new Set(), until: 0 };

  constructor(options: ProbingOptions) {
    this.#options = options;
    this.#limits = { ...defaultProbingLimits, ...options.limits };
  }

  /** Whether nobody answered for it of late. @param now milliseconds, here and below, of a clock that only goes forward */
  isFree(address: string, now: number): boolean {
    return (this.#free.get(address) ?? Number.NEGATIVE_INFINITY) > now;
  }

  isAsked(address: string): boolean {
    return this.#probes.has(address);
  }

  /**
   * Calls back when it is known of an address whether somebody has it.
   *
   * @returns false when there are too many at a time, or it cannot be asked for
   */
  wait(network: DhcpNetwork, address: string, now: number, then: () => void): boolean {
    if (this.#waiting >= this.#limits.maxWaiting) this.#restUntil = now + this.#limits.restMs;
    if (this.#rests(now)) return false;
    if (!this.#probes.has(address)) this.#ask(network, [address], now);
    const probe = this.#probes.get(address);
    if (!probe) return false;
    this.#waiting++;
    probe.waiting.push(then);
    return true;
  }

  /**
   * Asks for addresses that will be wanted, as far as there is room.
   *
   * @param forMs so long it is to be known of them at least
   */
  ahead(network: DhcpNetwork, addresses: readonly string[], now: number, forMs = 0): void {
    if (this.#rests(now)) return;
    this.#ask(
      network,
      addresses.filter((address) => !this.#probes.has(address) && !this.isFree(address, now + forMs)),
      now,
    );
  }

  /** Somebody speaks from that address. */
  heard(address: string, mac: string | undefined): void {
    const probe = this.#probes.get(address);
    if (!probe) return;
    this.#free.delete(address);
    this.#options.onUsed(probe.network, address, mac);
    this.#end(address, probe);
  }

  /** The one who has it is the one who gets it. */
  allow(address: string, now: number): void {
    this.#remember(address, now);
  }

  /** Nobody is called back any more. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#probes.clear();
  }

  #rests(now: number): boolean {
    return now < this.#restUntil;
  }

  #ask(network: DhcpNetwork, wanted: readonly string[], now: number): void {
    const own = this.#ownAddresses(now);
    const addresses = wanted.slice(0, Math.max(0, this.#limits.maxProbes - this.#probes.size));
    const targets = addresses.map((address) => ({ interface: network.interface, address }));
    if (targets.length === 0 || !this.#options.ask(targets)) return;
    for (const address of addresses) this.#probes.set(address, { network, waiting: [] });
    // Nobody answers himself.
    for (const address of addresses)
      if (own.has(address)) this.#after(0, () => this.heard(address, undefined));
    this.#after(this.#limits.repeatMs, () => {
      const silent = targets.filter(({ address }) => this.#probes.has(address));
      if (silent.length > 0) this.#options.ask(silent);
    });
    this.#after(this.#limits.waitMs, () => {
      for (const address of addresses) {
        const probe = this.#probes.get(address);
        if (!probe) continue;
        this.#remember(address, now + this.#limits.waitMs);
        this.#end(address, probe);
      }
    });
  }

  #end(address: string, { waiting }: Probe): void {
    this.#probes.delete(address);
    this.#waiting -= waiting.length;
    for (const then of waiting) then();
  }

  #remember(address: string, now: number): void {
    this.#free.delete(address);
    this.#free.set(address, now + this.#limits.rememberMs);
    for (const [oldest, until] of this.#free) {
      if (until > now) break;
      this.#free.delete(oldest);
    }
  }

  #ownAddresses(now: number): ReadonlySet<string> {
    if (this.#own.until <= now) {
      const addresses = Object.values(networkInterfaces()).flatMap((links = []) =>
        links.map(({ address }) => address),
      );
      this.#own = { addresses: new Set(addresses), until: now + 5000 };
    }
    return this.#own.addresses;
  }

  #after(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms).unref();
    this.#timers.add(timer);
  }
}
