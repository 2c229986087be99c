import { setTimeout as delay } from "node:timers/promises";

/** Time as the code sees it, so that tests can hold it still. */
export interface Clock {
  now(): Date;
  /** Milliseconds that only go forward, for durations. */
  monotonicMs(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
};
