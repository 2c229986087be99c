import { LeaseNames } from "./lease-names.js";
import type { Lease, LeaseChange, LeaseView } from "./leases.js";
import { type DhcpNetwork, inRange, isIn, toAddress, toNumber } from "./network.js";

/** A network, and the addresses of its range that are not for everybody: machines' own, the server's, the router's. */
export interface LeasedNetwork {
  network: DhcpNetwork;
  kept: Pick<ReadonlySet<string>, "has">;
}

/** More offers than that at a time are not held: the oldest are forgotten. */
const maxOffers = 65_536;
/** How often an exhausted range is looked through for leases whose time is over. */
const reclaimEveryMs = 1000;

/** All leases, in memory: by address, and by client in each network. */
export class LeaseTable {
  readonly #byAddress = new Map<string, Lease>();
  readonly names = new LeaseNames();
  /** Addresses of offers, the oldest first. */
  readonly #offers = new Set<string>();
  #pools: Pool[] = [];

  /** For another inventory: leases stay, whatever the ranges are now. */
  setNetworks(networks: readonly LeasedNetwork[]): void {
    this.#pools = networks.map((network) => new Pool(network, this.#byAddress));
    for (const lease of this.#byAddress.values()) this.#poolOf(lease.address)?.index(lease);
  }

  /** How the leases of the network with that subnet look to an answer. */
  view(subnet: string): LeaseView {
    return this.#poolFor(subnet);
  }

  /** The addresses that `free` will give, in that order, as things are now: at most so many. */
  upcoming(subnet: string, count: number, now: number): string[] {
    return this.#poolFor(subnet).upcoming(count, now);
  }

  #poolFor(subnet: string): Pool {
    const pool = this.#pools.find((candidate) => candidate.network.subnet === subnet);
    if (!pool) throw new Error(`no network ${subnet}`);
    return pool;
  }

  apply(change: LeaseChange): void {
    const address = change.type === "set" ? change.lease.address : change.address;
    const before = this.#byAddress.get(address);
    const pool = this.#poolOf(address);
    if (before) {
      pool?.forget(before);
      this.names.remove(before);
    }
    this.#offers.delete(address);
    if (change.type === "remove") {
      this.#byAddress.delete(address);
      pool?.giveBack(address);
      return;
    }
    this.#byAddress.set(address, change.lease);
    pool?.index(change.lease);
    this.names.add(change.lease);
    if (change.lease.state !== "offered") return;
    this.#offers.add(address);
    if (this.#offers.size > maxOffers) {
      for (const oldest of this.#offers) {
        this.apply({ type: "remove", address: oldest });
        break;
      }
    }
  }

  get size(): number {
    return this.#byAddress.size;
  }

  ofAddress(address: string): Lease | undefined {
    return this.#byAddress.get(address);
  }

  /** What is worth being on disk: all but offers. */
  *durable(): Generator<Lease> {
    for (const lease of this.#byAddress.values()) if (lease.state !== "offered") yield lease;
  }

  #poolOf(address: string): Pool | undefined {
    return this.#pools.find(({ network }) => isIn(network, address));
  }
}

/** The leases of one network, and which of its range's addresses are free. */
class Pool implements LeaseView {
  readonly network: DhcpNetwork;
  readonly #kept: LeasedNetwork["kept"];
  readonly #byAddress: ReadonlyMap<string, Lease>;
  readonly #byClient = new Map<string, Lease>();
  /** Addresses of the range below it have been looked at: they have a lease, are kept, or were given back. */
  #next: number;
  /** Given back or over, in that order; looked at again before use. */
  #free: string[] = [];
  #reclaimedAt = Number.NEGATIVE_INFINITY;

  constructor({ network, kept }: LeasedNetwork, byAddress: ReadonlyMap<string, Lease>) {
    this.network = network;
    this.#kept = kept;
    this.#byAddress = byAddress;
    this.#next = network.rangeFirst;
  }

  #leasable(address: string): boolean {
    return isIn(this.network, address) && inRange(this.network, address) && !this.#kept.has(address);
  }

  index(lease: Lease): void {
    // A declined address is nobody's; its last client may have another by now.
    if (lease.state !== "declined") this.#byClient.set(lease.client, lease);
  }

  forget(lease: Lease): void {
    if (this.#byClient.get(lease.client) === lease) this.#byClient.delete(lease.client);
  }

  giveBack(address: string): void {
    if (this.#leasable(address) && toNumber(address) < this.#next) this.#free.push(address);
  }

  ofClient(client: string): Lease | undefined {
    return this.#byClient.get(client);
  }

  ofAddress(address: string): Lease | undefined {
    return this.#byAddress.get(address);
  }

  free(_client: string, now: number): string | undefined {
    for (; this.#next <= this.network.rangeLast; this.#next++) {
      const address = toAddress(this.#next);
      if (!this.#byAddress.has(address) && this.#leasable(address)) return address;
    }
    return this.#freeAgain(now) ?? (this.#reclaim(now) ? this.#freeAgain(now) : undefined);
  }

  upcoming(count: number, now: number): string[] {
    const addresses: string[] = [];
    if (this.free("", now) === undefined) return addresses;
    for (let next = this.#next; next <= this.network.rangeLast && addresses.length < count; next++) {
      const address = toAddress(next);
      if (!this.#byAddress.has(address) && this.#leasable(address)) addresses.push(address);
    }
    for (let i = this.#free.length - 1; i >= 0 && addresses.length < count; i--) {
      const address = this.#free[i]!;
      const lease = this.#byAddress.get(address);
      if (this.#leasable(address) && (!lease || lease.expires <= now)) addresses.push(address);
    }
    return addresses;
  }

  #freeAgain(now: number): string | undefined {
    for (let address = this.#free.at(-1); address !== undefined; address = this.#free.at(-1)) {
      const lease = this.#byAddress.get(address);
      if (this.#leasable(address) && (!lease || lease.expires <= now)) return address;
      this.#free.pop();
    }
    return undefined;
  }

  /** Finds what is over, the longest over to be given out first. */
  #reclaim(now: number): boolean {
    if (now - this.#reclaimedAt < reclaimEveryMs && now >= this.#reclaimedAt) return false;
    this.#reclaimedAt = now;
    this.#free = [...this.#byAddress.values()]
      .filter(({ address, expires }) => expires <= now && this.#leasable(address))
      .sort((one, other) => one.expires - other.expires)
      .map(({ address }) => address)
      .reverse();
    return this.#free.length > 0;
  }
}
