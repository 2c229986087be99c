/**
 * Where clients answer within a fraction of a millisecond, most of a transfer's time is spent on falling asleep and being
 * woken for each packet; the next answer can be awaited awake instead, for as long as it is likely to come. That pays only
 * while nobody else wants the processor, so it is tried: a short time asleep, a short time awake, then for longer whichever
 * brought more answers.
 */
export class Attention {
  readonly #nowMs: () => number;
  #phase: Phase = "try asleep";
  #phaseStartMs = 0;
  /** Quick answers in this phase. */
  #answers = 0;
  #asleepPerMs = 0;
  #lastMs = 0;
  #awake = false;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @param tookMs how long an answer took that came just now */
  answered(tookMs: number, nowMs: number): void {
    if (tookMs > quickMs) return;
    if (nowMs - this.#lastMs > pauseMs) this.#onPause(nowMs);
    this.#lastMs = nowMs;
    this.#answers++;
    if (nowMs - this.#phaseStartMs >= lengthMs[this.#phase]) this.#next(nowMs);
    if (this.#awake || !isAwake[this.#phase]) return;
    this.#awake = true;
    setImmediate(this.#stayAwake);
  }

  /** Nothing was asked for, or another program had the processor: what was counted compares with nothing. */
  #onPause(nowMs: number): void {
    if (this.#phase === "try asleep") this.#begin("try asleep", nowMs);
    else if (isAwake[this.#phase]) this.#begin("asleep", nowMs);
  }

  #next(nowMs: number): void {
    const perMs = this.#answers / (nowMs - this.#phaseStartMs);
    if (this.#phase === "try asleep") {
      this.#asleepPerMs = perMs;
      this.#begin("try awake", nowMs);
    } else if (this.#phase === "try awake") {
      this.#begin(perMs > worthIt * this.#asleepPerMs ? "awake" : "asleep", nowMs);
    } else this.#begin("try asleep", nowMs);
  }

  #begin(phase: Phase, nowMs: number): void {
    this.#phase = phase;
    this.#phaseStartMs = nowMs;
    this.#answers = 0;
  }

  // An immediate makes the event loop look for packets without waiting for them.
  readonly #stayAwake = (): void => {
    this.#awake = isAwake[this.#phase] && this.#nowMs() - this.#lastMs < quickMs;
    if (this.#awake) setImmediate(this.#stayAwake);
  };
}

type Phase = "try asleep" | "try awake" | "asleep" | "awake";

const lengthMs: Record<Phase, number> = { "try asleep": 5, "try awake": 5, asleep: 500, awake: 250 };
const isAwake: Record<Phase, boolean> = {
  "try asleep": false,
  "try awake": true,
  asleep: false,
  awake: true,
};

/** The round trip to a machine on the same switch, and being woken twice. */
const quickMs = 0.2;
const pauseMs = 2;
/** Awake must bring more by this factor, as it costs a processor. */
const worthIt = 1.1;
