import { messageOf } from "../../base/errors.js";
import {
  dataHeaderBytes,
  encodeData,
  encodeDataInto,
  encodeError,
  encodeOptionAck,
  tftpError,
} from "./codec.js";
import type { TransferTerms } from "./negotiate.js";
import type { BlockSource } from "./source.js";
import {
  beginTransfer,
  blockRange,
  stepTransfer,
  type TransferEvent,
  type TransferOutcome,
  type TransferState,
  type TransferStep,
} from "./transfer.js";

/** The way to one client. */
export interface Wire {
  send(packet: Buffer): void;
  /** Bytes that wait in this process because the network takes no more. */
  backlogBytes(): number;
  close(): void;
}

/** Of what waits to be sent, so much is kept; what goes beyond is lost, as on a full network. */
const maxBacklogBytes = 1024 * 1024;

/** A transfer with its socket and its file. Times are monotonic milliseconds. */
export class Session {
  readonly startedMs: number;
  readonly #wire: Wire;
  readonly #source: BlockSource;
  readonly #onEnd: (outcome: TransferOutcome) => void;
  #state: TransferState;
  #deadlineMs = 0;
  #sentMs = 0;
  /** Counts what was to be sent: a piece of the file that comes too late is not. */
  #sending = 0;
  /** The last single block: written over by the next, unless the network has not taken it yet. */
  #packet: Buffer | undefined;
  #ended = false;

  constructor(
    terms: TransferTerms,
    source: BlockSource,
    wire: Wire,
    nowMs: number,
    onEnd: (outcome: TransferOutcome) => void,
  ) {
    this.startedMs = nowMs;
    this.#wire = wire;
    this.#source = source;
    this.#onEnd = onEnd;
    const first = beginTransfer(terms, source.size);
    this.#state = first.state;
    this.#follow(first, nowMs);
  }

  get state(): TransferState {
    return this.#state;
  }

  /** What the client is known to have. */
  get bytesDelivered(): number {
    return Math.min(this.#state.acknowledged * this.#state.terms.blockSize, this.#source.size);
  }

  /** @returns how long the client took to answer what was sent last */
  handle(event: TransferEvent, nowMs: number): number {
    const tookMs = nowMs - this.#sentMs;
    if (!this.#ended) this.#follow(stepTransfer(this.#state, event), nowMs);
    return tookMs;
  }

  /** To be called now and then: time passes. */
  tick(nowMs: number, { lifetimeMs, unansweredMs }: { lifetimeMs: number; unansweredMs: number }): void {
    const tookMs = nowMs - this.startedMs;
    if (tookMs > lifetimeMs) this.abort("it took too long");
    else if (tookMs > unansweredMs && !this.#state.answered) this.lose("the client never answered");
    else if (nowMs >= this.#deadlineMs) this.handle({ type: "timeout" }, nowMs);
  }

  /** Ends it from our side; the client is told. */
  abort(why: string): void {
    if (this.#ended) return;
    this.#wire.send(encodeError(tftpError.undefined, why));
    this.#end({ type: "lost", why });
  }

  /** The client's end is gone: nobody is left to be told. */
  lose(why: string): void {
    this.#end({ type: "lost", why });
  }

  #follow(step: TransferStep, nowMs: number): void {
    this.#state = step.state;
    if (step.send) this.#sentMs = nowMs;
    if (step.waitMs !== undefined) this.#deadlineMs = nowMs + step.waitMs;
    if (step.send?.what === "options") this.#wire.send(encodeOptionAck(this.#state.terms.granted));
    else if (step.send) this.#sendBlocks(step.send.first, step.send.count);
    if (step.outcome) this.#end(step.outcome);
  }

  #sendBlocks(first: number, count: number): void {
    const start = blockRange(this.#state, first).offset;
    const last = blockRange(this.#state, first + count - 1);
    const bytes = this.#source.get(start, last.offset + last.length - start);
    const sending = ++this.#sending;
    if (bytes instanceof Uint8Array) this.#sendBytes(first, count, bytes);
    else {
      bytes.then(
        (read) => {
          if (!this.#ended && sending === this.#sending) this.#sendBytes(first, count, read);
        },
        (error: unknown) => this.abort(`the file cannot be read: ${messageOf(error)}`),
      );
    }
  }

  #sendBytes(first: number, count: number, bytes: Uint8Array): void {
    const backlogBytes = this.#wire.backlogBytes();
    if (backlogBytes > maxBacklogBytes) return;
    const { blockSize } = this.#state.terms;
    if (count === 1) {
      if (backlogBytes > 0) this.#packet = undefined;
      this.#packet ??= Buffer.allocUnsafe(dataHeaderBytes + blockSize);
      this.#wire.send(encodeDataInto(this.#packet, first, bytes));
      return;
    }
    for (let i = 0; i < count; i++) {
      this.#wire.send(encodeData(first + i, bytes.subarray(i * blockSize, (i + 1) * blockSize)));
    }
  }

  #end(outcome: TransferOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#wire.close();
    this.#source.close();
    this.#onEnd(outcome);
  }
}
