/** Keeps what was made for texts, up to a size; what was not asked for the longest goes first. */
export class RecentlyUsed<T> {
  readonly #maxBytes: number;
  readonly #maxValueBytes: number;
  readonly #kept = new Map<string, { value: T; bytes: number }>();
  #bytes = 0;

  /** @param maxValueBytes one that is larger would push out much else, and is not kept */
  constructor(maxBytes: number, maxValueBytes = maxBytes / 16) {
    this.#maxBytes = maxBytes;
    this.#maxValueBytes = maxValueBytes;
  }

  /** What is kept, with its keys: never more than `maxBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): T | undefined {
    const entry = this.#kept.get(key);
    if (!entry) return undefined;
    this.#kept.delete(key); // a map's newest stands last
    this.#kept.set(key, entry);
    return entry.value;
  }

  /** @param bytes of the value; the key's are added */
  set(key: string, value: T, bytes: number): void {
    const size = bytes + 2 * key.length;
    if (size > this.#maxValueBytes || this.#kept.has(key)) return;
    this.#kept.set(key, { value, bytes: size });
    this.#bytes += size;
    for (const [oldest, entry] of this.#kept) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#kept.delete(oldest);
      this.#bytes -= entry.bytes;
    }
  }
}
