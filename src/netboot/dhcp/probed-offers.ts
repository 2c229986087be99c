import type { Clock } from "../../base/clock.js";
import { AddressProbe } from "../../net/address-probe.js";
import type { Observe } from "../observation.js";
import { offerMs } from "./answer.js";
import type { LeaseStore } from "./lease-store.js";
import type { Lease } from "./leases.js";
import type { DhcpNetwork } from "./network.js";
import { addressInUseObservation } from "./observations.js";
import { Probing } from "./probing.js";
import type { DhcpAnswer } from "./turn.js";

/** How long an address that somebody was found to have is left alone; then it is asked for again. */
const asideMs = 600_000;
/** A client comes back to an address that it had a short time ago without its being asked for. */
const recentlyMs = 600_000;
/** Addresses of a network that are asked for ahead. */
const aheadCount = 32;
/** And so often at most. */
const aheadEveryMs = 100;
/** While nothing happens, as many of each network are kept known, so that the first offer is at once, too. */
const idleCount = 8;
const idleEveryMs = 45_000;
/** So often an offer waits anew, as the address was found in use. */
const maxAttempts = 4;

export interface ProbedOffersOptions {
  /** Those that are served now. */
  networks: () => readonly DhcpNetwork[];
  leases: LeaseStore;
  observe: Observe;
  clock: Clock;
  /** Counted here. */
  counters: ProbeCounters;
  onFault: (why: string) => void;
}

export interface ProbeCounters {
  /** Offers that waited until it was known that nobody has their address. */
  delayed: number;
  /** Addresses of offers that should have been asked for, and were not: too many at a time, or no way to do it. */
  unprobed: number;
  /** Addresses that somebody was found to have without a lease. */
  conflicts: number;
}

/**
 * Holds offers back until nobody answers for their address (RFC 2131 §2.2, §4.4.1), and puts aside those that somebody has.
 * A machine's own address, a renewal, and an address that the client had of late are not asked for.
 */
export class ProbedOffers {
  readonly #options: ProbedOffersOptions;
  readonly #probe: AddressProbe;
  readonly #probing: Probing;
  readonly #idle: NodeJS.Timeout;
  /** By subnet: when addresses were last asked for ahead. */
  readonly #aheadAt = new Map<string, number>();

  constructor(options: ProbedOffersOptions) {
    this.#options = options;
    const probe = new AddressProbe({
      onAnswer: (address, mac) => this.#probing.heard(address, mac),
      onError: (why) => options.onFault(`it is not known who has addresses before they are offered: ${why}`),
    });
    this.#probe = probe;
    this.#probing = new Probing({
      ask: (targets) => probe.ask(targets),
      onUsed: (network, address, mac) => this.#takeUsed(network, address, mac),
    });
    this.#idle = setInterval(() => this.#ahead(idleCount, this.#direct(), idleEveryMs), idleEveryMs).unref();
  }

  /** After the lab changed. */
  ahead(): void {
    this.#ahead(aheadCount, this.#direct());
  }

  /**
   * Whether an answer waits, as it is not known that the address it offers is free; the address is kept for its client.
   *
   * @param attempt counts from 1
   * @param again called when it is known: the request is to be answered anew
   */
  waits(network: DhcpNetwork, answer: DhcpAnswer, attempt: number, again: () => void): boolean {
    const { asked, change, machine } = answer;
    if (network.probe === false || asked !== "DISCOVER" || change?.type !== "set") return false;
    const { leases, clock, counters } = this.#options;
    const { lease } = change;
    if (machine?.address === lease.address) return false;
    const now = clock.monotonicMs();
    const time = clock.now().getTime();
    const before = leases.ofAddress(lease.address);
    const hadIt = before?.client === lease.client && before.expires > time - recentlyMs;
    if (hadIt && !this.#probing.isAsked(lease.address)) return false;
    this.#ahead(aheadCount, [network]);
    if (this.#probing.isFree(lease.address, now)) return false;
    if (attempt > maxAttempts || !this.#probing.wait(network, lease.address, now, again)) {
      counters.unprobed++;
      return false;
    }
    if (attempt === 1) counters.delayed++;
    // Nobody else gets it meanwhile.
    const promised: Lease = { ...lease, state: "offered", expires: time + offerMs };
    leases.change({ type: "set", lease: promised }, () => {});
    return true;
  }

  async close(): Promise<void> {
    clearInterval(this.#idle);
    this.#probing.close();
    await this.#probe.close();
  }

  /** Of routers nothing is asked for nothing. */
  #direct(): DhcpNetwork[] {
    return this.#options.networks().filter((network) => network.interface !== undefined);
  }

  /** @param forMs so long it is to be known of them at least */
  #ahead(count: number, networks: readonly DhcpNetwork[], forMs = 0): void {
    const { leases, clock } = this.#options;
    const now = clock.monotonicMs();
    for (const network of networks) {
      const { subnet, mode, probe } = network;
      if (mode !== "dhcp" || probe === false) continue;
      if (now - (this.#aheadAt.get(subnet) ?? Number.NEGATIVE_INFINITY) < aheadEveryMs) continue;
      this.#aheadAt.set(subnet, now);
      this.#probing.ahead(network, leases.upcoming(subnet, count, clock.now().getTime()), now, forMs);
    }
  }

  #takeUsed(network: DhcpNetwork, address: string, mac: string | undefined): void {
    const { leases, clock, counters, observe, onFault } = this.#options;
    const now = clock.now();
    const promised = leases.ofAddress(address);
    const holds = promised !== undefined && promised.expires > now.getTime();
    // The client itself, which has it still.
    if (holds && promised.mac !== undefined && promised.mac === mac) {
      this.#probing.allow(address, clock.monotonicMs());
      return;
    }
    // Somebody got a lease, without an offer perhaps, while it was asked for.
    if (holds && promised.state === "bound") return;
    counters.conflicts++;
    const aside = { address, client: "", state: "declined" as const, expires: now.getTime() + asideMs };
    leases.change({ type: "set", lease: mac === undefined ? aside : { ...aside, mac } }, (error) => {
      if (error) onFault(error.message);
    });
    observe(addressInUseObservation({ network, address, mac, promised }, now));
  }
}
