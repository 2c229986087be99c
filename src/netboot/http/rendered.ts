import type { BootProfile, Group, Labels } from "../inventory/types.js";
import type { HttpResponse } from "./answer.js";

/** A document that was made for a query, and what was found on the way. */
export interface Rendered {
  response: HttpResponse;
  labels: Labels;
  group: Group | undefined;
  profile: BootProfile | undefined;
  /** Why there is none. */
  error: string | undefined;
}

/** What a kept document costs besides its bytes and its key. */
const overheadBytes = 1024;

/**
 * Documents as they were made last, of one snapshot: the same query gets the same document. Those not asked for the
 * longest go first.
 */
export class RenderedCache {
  readonly #maxBytes: number;
  #of: object | undefined;
  readonly #kept = new Map<string, { rendered: Rendered; cost: number }>();
  #bytes = 0;
  hits = 0;
  misses = 0;

  constructor({ maxBytes = 64 * 1024 * 1024 }: { maxBytes?: number } = {}) {
    this.#maxBytes = maxBytes;
  }

  /** About what is kept, in bytes: never more than `maxBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param make a pure function of what the key says */
  get(snapshot: object, key: string, make: () => Rendered): Rendered {
    if (snapshot !== this.#of) this.#forget(snapshot);
    const found = this.#kept.get(key);
    if (found) {
      this.hits++;
      // The latest used stands last.
      this.#kept.delete(key);
      this.#kept.set(key, found);
      return found.rendered;
    }
    this.misses++;
    const rendered = make();
    this.#keep(key, rendered);
    return rendered;
  }

  #keep(key: string, rendered: Rendered): void {
    const cost = rendered.response.body.length + 4 * key.length + overheadBytes;
    if (cost > this.#maxBytes / 4) return;
    this.#bytes += cost;
    this.#kept.set(key, { rendered, cost });
    for (const [oldest, { cost: freed }] of this.#kept) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#kept.delete(oldest);
      this.#bytes -= freed;
    }
  }

  #forget(snapshot: object): void {
    this.#of = snapshot;
    this.#kept.clear();
    this.#bytes = 0;
  }
}
