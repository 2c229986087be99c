import type { Owner } from "../../base/files.js";
import { acquireLock, type HeldLock } from "../../base/lock.js";
import { LeaseLog, readLeases } from "./lease-log.js";
import { type LeasedNetwork, LeaseTable } from "./lease-table.js";
import type { Lease, LeaseChange, LeaseView } from "./leases.js";

/** All leases: in memory for answers, in a file for the next start. */
export class LeaseStore implements AsyncDisposable {
  readonly #table: LeaseTable;
  readonly #log: LeaseLog;
  readonly #lock: HeldLock;
  /** Lines of the file that could not be read when it was opened; see `LeaseLog.open`. */
  readonly damaged: number;

  private constructor(table: LeaseTable, log: LeaseLog, lock: HeldLock, damaged: number) {
    this.#table = table;
    this.#log = log;
    this.#lock = lock;
    this.damaged = damaged;
  }

  /**
   * Opens the leases in a file, for this process alone.
   *
   * @throws {SlipwayError} `PROFILE_BUSY` when another process has them; `DISK_FULL`, `STATE_WRITE_FAILED`
   */
  static async open(
    path: string,
    { owner, spareLines }: { owner?: Owner; spareLines?: number } = {},
  ): Promise<LeaseStore> {
    const lock = await acquireLock(`${path}.lock`, { what: `the lease file ${path}`, owner });
    try {
      const read = await readLeases(path);
      const table = new LeaseTable();
      for (const lease of read.leases.values()) table.apply({ type: "set", lease });
      const log = await LeaseLog.open(path, read, {
        owner,
        leases: () => table.durable(),
        ...(spareLines === undefined ? {} : { spareLines }),
      });
      return new LeaseStore(table, log, lock, read.damaged);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  setNetworks(networks: readonly LeasedNetwork[]): void {
    this.#table.setNetworks(networks);
  }

  view(subnet: string): LeaseView {
    return this.#table.view(subnet);
  }

  /** See `LeaseTable.upcoming`. */
  upcoming(subnet: string, count: number, now: number): string[] {
    return this.#table.upcoming(subnet, count, now);
  }

  ofAddress(address: string): Lease | undefined {
    return this.#table.ofAddress(address);
  }

  /** Those that a machine has, also such as are over. */
  ofMac(mac: string): Iterable<Lease> {
    return this.#at(this.#table.names.ofMac(mac));
  }

  /** Those of clients that call themselves so, also such as are over. @param name in lower case */
  ofHostName(name: string): Iterable<Lease> {
    return this.#at(this.#table.names.ofHostName(name));
  }

  *#at(addresses: Iterable<string>): Generator<Lease> {
    for (const address of addresses) {
      const lease = this.#table.ofAddress(address);
      if (lease) yield lease;
    }
  }

  /** Those that clients have and those that are set aside. */
  leases(): Iterable<Lease> {
    return this.#table.durable();
  }

  /** How many addresses have a lease or are held by an offer. */
  get size(): number {
    return this.#table.size;
  }

  /** Changes that wait for the disk. */
  get pending(): number {
    return this.#log.pending;
  }

  /** Takes effect at once. @param done called when it is on disk, or could not be put there; offers need no disk. */
  change(change: LeaseChange, done: (error?: Error) => void): void {
    const before = this.#table.ofAddress(change.type === "set" ? change.lease.address : change.address);
    this.#table.apply(change);
    const held = change.type === "set" ? change.lease : before;
    // An offer that takes over what is over on disk leaves it there: over it is all the same.
    if (held === undefined || held.state === "offered") done();
    else this.#log.append(change, done);
  }

  async close(): Promise<void> {
    await this.#log.close();
    await this.#lock.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
