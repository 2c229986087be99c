/** Lets so many a second pass: what a flood on the wire leads to is bounded. */
export class PerSecond {
  readonly #most: number;
  #second = 0;
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  allows(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#count = 0;
    }
    return this.#count++ < this.#most;
  }
}

/** More keys a second than that are not told apart: they get nothing. */
const maxKeys = 16_384;

/** The same for each of many: addresses, say, that may be forged. */
export class PerSecondEach {
  readonly #most: number;
  #second = 0;
  readonly #used = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes `amount` of what is left to the key, if so much is. */
  allows(key: string, nowMs: number, amount = 1): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#used.clear();
    }
    const used = this.#used.get(key);
    if (used === undefined && this.#used.size >= maxKeys) return false;
    if ((used ?? 0) + amount > this.#most) return false;
    this.#used.set(key, (used ?? 0) + amount);
    return true;
  }
}
