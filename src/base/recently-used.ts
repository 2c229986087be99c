/** Keeps what was made for texts, up to a size; what was not asked for the longest goes first. */
export class RecentlyUsed<T> {
  readonly #maxBytes: number;
  readonly #kept = new Map<string, { value: T; bytes: number }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(key: string): T | undefined {
    const entry = this.#kept.get(key);
    if (!entry) return undefined;
    this.#kept.delete(key); // a map's newest stands last
    this.#kept.set(key, entry);
    return entry.value;
  }

  /** @param bytes of the value; the key's are added. One that would push out much else is not kept. */
  set(key: string, value: T, bytes: number): void {
    const size = bytes + 2 * key.length;
    if (size > this.#maxBytes / 16 || this.#kept.has(key)) return;
    this.#kept.set(key, { value, bytes: size });
    this.#bytes += size;
    for (const [oldest, entry] of this.#kept) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#kept.delete(oldest);
      this.#bytes -= entry.bytes;
    }
  }
}
