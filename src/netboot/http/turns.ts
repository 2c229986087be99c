import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** A connection: what waits on it, and what is to be said at the end. */
interface Line {
  busy: boolean;
  waiting: { response: ServerResponse; begin: () => void }[];
  last?: () => void;
}

/**
 * Requests of one connection, one after the other: what comes before the last answer is out waits (RFC 9112 §9.3.2). A
 * request that waits holds nothing, no file above all, and comes to nothing when its connection ends.
 */
export class Turns {
  readonly #maxWaiting: number;
  readonly #lines = new WeakMap<Duplex, Line>();

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /**
   * Calls `begin` when it is the request's turn.
   *
   * @returns false: too many wait already
   */
  take(socket: Duplex, response: ServerResponse, begin: () => void): boolean {
    const line = this.#lines.get(socket) ?? { busy: false, waiting: [] };
    this.#lines.set(socket, line);
    if (line.waiting.length >= this.#maxWaiting) return false;
    line.waiting.push({ response, begin });
    this.#next(line);
    return true;
  }

  /** Calls `say` when all is answered that came before: once for a connection, however often it is told. */
  atEnd(socket: Duplex, say: () => void): void {
    const line = this.#lines.get(socket) ?? { busy: false, waiting: [] };
    this.#lines.set(socket, line);
    if (line.last) return;
    line.last = say;
    this.#next(line);
  }

  #next(line: Line): void {
    if (line.busy) return;
    const [first] = line.waiting;
    if (!first && line.last) {
      line.last();
      line.last = () => {};
    }
    // Without a socket it comes after an answer that ends the connection.
    if (!first?.response.socket) return;
    line.waiting.shift();
    line.busy = true;
    first.response.once("close", () => {
      line.busy = false;
      this.#next(line);
    });
    first.begin();
  }
}
