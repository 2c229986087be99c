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
  /** So that one address cannot take them all. It may be many machines': NAT gives a whole rack one. */
  maxSessionsPerClient: number;
  /** So many a second may begin for one address: each sends it up to four packets unasked, and it may be forged. */
  maxNewPerSecond: number;
}

/** Whoever is there answers within this time: before, none of the same address takes its place. */
const answersWithinMs = 1000;

/**
 * The requests being answered, by the client's address and port. When there are too many, the oldest client that never
 * answered makes room: forged requests cannot keep real ones out.
 */
export class Sessions {
  readonly #limits: SessionLimits;
  readonly #begun: PerSecondEach;
  readonly #byPeer = new Map<string, Entry>();
  readonly #countByAddress = new Map<string, number>();

  constructor(limits: SessionLimits) {
    this.#limits = limits;
    this.#begun = new PerSecondEach(limits.maxNewPerSecond);
  }

  get size(): number {
    return this.#byPeer.size;
  }

  find(peer: Peer): Entry | undefined {
    return this.#byPeer.get(keyOf(peer));
  }

  /** @returns whether there is room for one more from there, made if need be. */
  makeRoom(address: string, nowMs: number): boolean {
    if (!this.#begun.allows(address, nowMs)) return false;
    const ofClient = this.#countByAddress.get(address) ?? 0;
    if (ofClient >= this.#limits.maxSessionsPerClient) {
      return this.#endUnanswered(nowMs - answersWithinMs, address);
    }
    return this.#byPeer.size < this.#limits.maxSessions || this.#endUnanswered(nowMs);
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

  /** Ends the oldest that was never answered: begun before `untilMs`, of one address if that is given. */
  #endUnanswered(untilMs: number, address?: string): boolean {
    for (const { peer, session } of this.#byPeer.values()) {
      if (!session || session.state.answered || (address !== undefined && peer.address !== address)) continue;
      if (session.startedMs > untilMs) return false; // and so are all that follow
      session.lose("others needed its place, and the client had not answered yet");
      return true;
    }
    return false;
  }
}

const keyOf = ({ address, port }: Peer): string => `${address}:${port}`;
