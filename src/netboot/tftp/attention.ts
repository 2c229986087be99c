/**
 * Where clients answer within a fraction of a millisecond, most of a transfer's time is spent on falling asleep and being
 * woken for each packet. So after an answer that came quickly the next one is awaited awake, for as long as it is likely to
 * come; but only while nobody else wants the processor: being awake then takes it from the client.
 */
export class Attention {
  readonly #nowMs: () => number;
  #untilMs = 0;
  #turnMs = 0;
  #awake = false;
  #restUntilMs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @param tookMs how long an answer took that came just now */
  answered(tookMs: number, nowMs: number): void {
    if (tookMs > quickMs || nowMs < this.#restUntilMs) return;
    this.#untilMs = nowMs + quickMs;
    if (this.#awake) return;
    this.#awake = true;
    this.#turnMs = nowMs;
    setImmediate(this.#stayAwake);
  }

  // An immediate makes the event loop look for packets without waiting for them.
  readonly #stayAwake = (): void => {
    const now = this.#nowMs();
    if (now - this.#turnMs > interruptedMs) this.#restUntilMs = now + restMs;
    this.#turnMs = now;
    this.#awake = now < this.#untilMs && now >= this.#restUntilMs;
    if (this.#awake) setImmediate(this.#stayAwake);
  };
}

/** The round trip to a machine on the same switch, and being woken twice. */
const quickMs = 0.2;
/** No turn of the event loop takes as long: another program had the processor. */
const interruptedMs = 1;
const restMs = 250;
