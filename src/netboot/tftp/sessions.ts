import { PerSecondEach } from "../per-second.js";
import type { Session } from "./session.js";
import type { Peer } from "./wire.js";

/** A request that is being answered. */
export interface Entry {
  peer: Peer;
  /** The bytes it asked with: the same again is the same request. */
  request: Buffer;
  /** undefined: its socket is being opened. */
  session?: Session;
}

export interface SessionLimits {
  maxSessions: number;
  /** So that one address, which may be forged, cannot take them all. */
  maxSessionsPerClient: number;
  /**
   * So often a second one address may take the place of a transfer that it never answered: each costs whoever has the
   * address a packet, and it may be forged.
   */
  maxAnewPerSecond: number;
}

/**
 * The requests being answered, by the client's address and port. When there are too many, the oldest client that never
 * answered makes room: forged requests cannot keep real ones out.
 */
export class Sessions {
  readonly #limits: SessionLimits;
  readonly #anew: PerSecondEach;
  readonly #byPeer = new Map<string, Entry>();
  readonly #countByAddress = new Map<string, number>();

  constructor(limits: SessionLimits) {
    this.#limits = limits;
    this.#anew = new PerSecondEach(limits.maxAnewPerSecond);
  }

  get size(): number {
    return this.#byPeer.size;
  }

  find(peer: Peer): Entry | undefined {
    return this.#byPeer.get(keyOf(peer));
  }

  /** @returns whether there is room for one more from there, made if need be. */
  makeRoom(address: string, nowMs: number): boolean {
    const ofClient = this.#countByAddress.get(address) ?? 0;
    if (ofClient >= this.#limits.maxSessionsPerClient) {
      if (!this.#anew.allows(address, nowMs)) return false;
      return this.#endUnanswered((entry) => entry.peer.address === address);
    }
    return this.#byPeer.size < this.#limits.maxSessions || this.#endUnanswered(() => true);
  }

  add(entry: Entry): void {
    const { address } = entry.peer;
    this.#byPeer.set(keyOf(entry.peer), entry);
    this.#countByAddress.set(address, (this.#countByAddress.get(address) ?? 0) + 1);
  }

  remove(entry: Entry): void {
    const key = keyOf(entry.peer);
    if (this.#byPeer.get(key) !== entry) return;
    this.#byPeer.delete(key);
    const { address } = entry.peer;
    const left = this.#countByAddress.get(address)! - 1;
    if (left > 0) this.#countByAddress.set(address, left);
    else this.#countByAddress.delete(address);
  }

  /** A copy: what is done to them may end them. */
  running(): Session[] {
    return [...this.#byPeer.values()].flatMap(({ session }) => session ?? []);
  }

  #endUnanswered(which: (entry: Entry) => boolean): boolean {
    for (const entry of this.#byPeer.values()) {
      if (entry.session && !entry.session.state.answered && which(entry)) {
        entry.session.lose("others needed its place, and the client had not answered yet");
        return true;
      }
    }
    return false;
  }
}

const keyOf = ({ address, port }: Peer): string => `${address}:${port}`;
