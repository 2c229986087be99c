import type { Clock } from "../../base/clock.js";
import type { Observation, Observe } from "../observation.js";
import { PerSecond } from "../per-second.js";
import type { TftpRequest } from "./codec.js";
import type { Session } from "./session.js";
import type { TransferOutcome } from "./transfer.js";
import type { Peer } from "./wire.js";

/** More refusals a second are not told of one by one. */
const maxRefusalsTold = 100;

/** Tells what became of requests. */
export class Reporter {
  readonly #observe: Observe;
  readonly #clock: Clock;
  readonly #refusals = new PerSecond(maxRefusalsTold);

  constructor(observe: Observe, clock: Clock) {
    this.#observe = observe;
    this.#clock = clock;
  }

  refused({ file }: TftpRequest, { address, port }: Peer, why: string): void {
    if (!this.#refusals.allows(this.#clock.monotonicMs())) return;
    this.#observe({
      time: this.#clock.now().toISOString(),
      address,
      stage: "tftp",
      what: printable(file),
      outcome: "refused",
      details: { port: String(port), error: why },
    });
  }

  ended(
    { mode }: TftpRequest,
    name: string,
    { address, port }: Peer,
    time: Date,
    { state, startedMs, bytesDelivered }: Session,
    outcome: TransferOutcome,
  ): void {
    this.#observe({
      time: time.toISOString(),
      address,
      stage: "tftp",
      what: printable(name),
      outcome: outcomes[outcome.type],
      durationMs: Math.round((this.#clock.monotonicMs() - startedMs) * 10) / 10,
      bytes: bytesDelivered,
      details: {
        port: String(port),
        mode,
        size: String(state.sizeBytes),
        blksize: String(state.terms.blockSize),
        windowsize: String(state.terms.windowSize),
        resent: String(state.resent),
        ...(outcome.type === "probed" ? { probe: "the client asked for the size only" } : {}),
        ...("why" in outcome ? { error: printable(outcome.why) } : {}),
      },
    });
  }
}

const outcomes = {
  done: "ok",
  probed: "ok",
  aborted: "aborted",
  lost: "failed",
} as const satisfies Record<TransferOutcome["type"], Observation["outcome"]>;

/** Text from the wire, for logs and terminals. */
const printable = (text: string): string => text.replace(/\p{C}/gu, "\uFFFD").slice(0, 200);
