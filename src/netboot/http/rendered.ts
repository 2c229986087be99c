import { RecentlyUsed } from "../../base/recently-used.js";
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

/** What a kept document costs besides its bytes, and its key here and there. */
const overheadBytes = 1024;

/**
 * Documents as they were made last, of one snapshot: the same query gets the same document. Those not asked for the
 * longest go first.
 */
export class RenderedCache {
  readonly #maxBytes: number;
  #of: object | undefined;
  #kept: RecentlyUsed<Rendered>;
  hits = 0;
  misses = 0;

  constructor({ maxBytes = 64 * 1024 * 1024 }: { maxBytes?: number } = {}) {
    this.#maxBytes = maxBytes;
    this.#kept = this.#nothing();
  }

  /** About what is kept, in bytes: never more than `maxBytes`. */
  get bytes(): number {
    return this.#kept.bytes;
  }

  /** @param make a pure function of what the key says */
  get(snapshot: object, key: string, make: () => Rendered): Rendered {
    if (snapshot !== this.#of) {
      this.#of = snapshot;
      this.#kept = this.#nothing();
    }
    const found = this.#kept.get(key);
    if (found) {
      this.hits++;
      return found;
    }
    this.misses++;
    const rendered = make();
    this.#kept.set(key, rendered, rendered.response.body.length + 2 * key.length + overheadBytes);
    return rendered;
  }

  #nothing(): RecentlyUsed<Rendered> {
    return new RecentlyUsed(this.#maxBytes, this.#maxBytes / 4);
  }
}
