/**
 * Where clients answer within a fraction of a millisecond, most of a transfer's time is spent on falling asleep and being
 * woken for each packet. So after an answer that came quickly the next one is awaited awake, with whatever else there is to
 * do in between, for as long as it is likely to come.
 */
export class Attention {
  readonly #nowMs: () => number;
  #untilMs = 0;
  #awake = false;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @param tookMs how long an answer took that came just now */
  answered(tookMs: number, nowMs: number): void {
    if (tookMs > quickMs) return;
    this.#untilMs = nowMs + quickMs;
    if (this.#awake) return;
    this.#awake = true;
    setImmediate(this.#stayAwake);
  }

  // An immediate makes the event loop look for packets without waiting for them.
  readonly #stayAwake = (): void => {
    this.#awake = this.#nowMs() < this.#untilMs;
    if (this.#awake) setImmediate(this.#stayAwake);
  };
}

/** The round trip to a machine on the same switch, and being woken twice. */
const quickMs = 0.2;
