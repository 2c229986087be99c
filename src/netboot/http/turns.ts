import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

interface Turn {
  request: IncomingMessage;
  response: ServerResponse;
  begin: () => void;
}

/** A connection: what is being answered, what waits, and what is to be said at the end. */
interface Line {
  current?: Turn | undefined;
  waiting: Turn[];
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
  take(request: IncomingMessage, response: ServerResponse, begin: () => void): boolean {
    const line = this.#lineOf(request.socket);
    if (line.waiting.length >= this.#maxWaiting) return false;
    line.waiting.push({ request, response, begin });
    this.#next(line);
    return true;
  }

  /**
   * Nothing more can be read. Calls `say` when all is answered that came whole before: once for a connection, however often
   * it is told. A request whose body is not whole is not waited for, as it may wait for the rest itself; if its answer has
   * begun, the connection is cut.
   */
  atEnd(socket: Duplex, say: () => void): void {
    const line = this.#lineOf(socket);
    if (line.last) return;
    line.last = say;
    const { current } = line;
    if (!current || current.request.complete) this.#next(line);
    else if (current.response.headersSent) socket.destroy();
    else this.#end(line);
  }

  #end(line: Line): void {
    const say = line.last;
    if (say) line.last = () => {};
    say?.();
  }

  #lineOf(socket: Duplex): Line {
    const line = this.#lines.get(socket) ?? { waiting: [] };
    this.#lines.set(socket, line);
    return line;
  }

  #next(line: Line): void {
    if (line.current) return;
    const [first] = line.waiting;
    if (!first) this.#end(line);
    // Without a socket it comes after an answer that ends the connection.
    if (!first?.response.socket) return;
    line.waiting.shift();
    line.current = first;
    first.response.once("close", () => {
      line.current = undefined;
      this.#next(line);
    });
    first.begin();
  }
}
