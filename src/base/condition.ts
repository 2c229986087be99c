import { type Clock, systemClock } from "./clock.js";
import { type ErrorCode, messageOf, SlipwayError } from "./errors.js";
import { discardEvents, type EventSink } from "./events.js";

/** What one look at a condition found. */
export type Observation = { met: true } | { met: false; lastSeen: string };

export const met = (): Observation => ({ met: true });
export const unmet = (lastSeen: string): Observation => ({ met: false, lastSeen });

/** A named thing to wait for, which says what it last saw. `Target` is what it looks at. */
export interface Condition<Target> {
  name: string;
  /** Looks once. A thrown error counts as "not met", with its message as what was last seen. */
  check(target: Target, options: { signal: AbortSignal }): Promise<Observation>;
}

export interface WaitOptions {
  timeoutMs: number;
  /** Between looks. @default 50 */
  intervalMs?: number;
  signal?: AbortSignal;
  events?: EventSink;
  clock?: Clock;
  /** The code of the error on time-out. @default "TIMED_OUT" */
  code?: ErrorCode;
  hint?: string;
}

/**
 * Waits until a condition is met.
 *
 * @throws {SlipwayError} `options.code` on time-out, naming the condition and what was last seen; the signal's reason
 * when it is aborted.
 */
export async function waitFor<Target>(
  condition: Condition<Target>,
  target: Target,
  {
    timeoutMs,
    intervalMs = 50,
    signal,
    events = discardEvents,
    clock = systemClock,
    code = "TIMED_OUT",
    hint,
  }: WaitOptions,
): Promise<void> {
  const started = clock.monotonicMs();
  const waited = () => clock.monotonicMs() - started;
  let lastSeen = "nothing yet";
  for (;;) {
    signal?.throwIfAborted();
    const left = Math.max(1, Math.ceil(timeoutMs - waited()));
    const bound = AbortSignal.any([AbortSignal.timeout(left), ...(signal ? [signal] : [])]);
    let observation: Observation;
    try {
      observation = await condition.check(target, { signal: bound });
    } catch (error) {
      signal?.throwIfAborted();
      observation = unmet(messageOf(error));
    }
    if (observation.met) {
      events({ type: "condition", condition: condition.name, state: "met", waitedMs: waited() });
      return;
    }
    if (observation.lastSeen !== lastSeen) {
      lastSeen = observation.lastSeen;
      events({
        type: "condition",
        condition: condition.name,
        state: "waiting",
        lastSeen,
        waitedMs: waited(),
      });
    }
    if (waited() >= timeoutMs) {
      events({ type: "condition", condition: condition.name, state: "failed", lastSeen, waitedMs: waited() });
      throw new SlipwayError(code, `gave up after ${Math.round(timeoutMs / 1000)} s: ${condition.name}`, {
        details: { "last seen": lastSeen },
        ...(hint === undefined ? {} : { hint }),
      });
    }
    await clock.sleep(intervalMs, signal);
  }
}
