import { randomUUID } from "node:crypto";
import type { Context } from "../base/context.js";
import { messageOf } from "../base/errors.js";
import type { Journal } from "./journal.js";

/** One piece of an operation: data and one function, which can be run again whatever became of the last time. */
export interface Step<State> {
  /** Stable, e.g. `create-machines`. */
  id: string;
  /** What a person reads while it runs. */
  title: string;
  /** Gives a detail for the reader, e.g. "28 from the store"; `skip()` when there was nothing to do. */
  run(state: State, context: Context): Promise<string | undefined | Skipped>;
}

const skipped = Symbol("skipped");
export type Skipped = { [skipped]: true; why: string };
export const skip = (why: string): Skipped => ({ [skipped]: true, why });

const isSkipped = (value: unknown): value is Skipped =>
  typeof value === "object" && value !== null && skipped in value;

/**
 * Runs the steps in order, each journaled before and after. The first failure ends it: what was done stays, and running
 * the operation again goes on from there, since every step does only what is still missing.
 */
export async function runOperation<State>(
  operation: string,
  steps: readonly Step<State>[],
  state: State,
  { journal, context }: { journal: Journal; context: Context },
): Promise<void> {
  const run = randomUUID();
  const note = async (step: string, point: "begin" | "done" | "failed", detail?: string) => {
    context.atJournalPoint?.();
    await journal.append({
      at: context.clock.now().toISOString(),
      operation,
      run,
      step,
      point,
      ...(detail === undefined ? {} : { detail }),
    });
    context.atJournalPoint?.();
  };
  const started = context.clock.monotonicMs();
  await note("-", "begin");
  for (const [i, step] of steps.entries()) {
    const position = { step: step.id, title: step.title, index: i + 1, total: steps.length };
    const stepStarted = context.clock.monotonicMs();
    const durationMs = () => Math.round(context.clock.monotonicMs() - stepStarted);
    try {
      context.signal.throwIfAborted();
      await note(step.id, "begin");
      context.events({ type: "step", ...position, state: "running" });
      const outcome = await step.run(state, context);
      await note(step.id, "done");
      const detail = isSkipped(outcome) ? outcome.why : outcome;
      context.events({
        type: "step",
        ...position,
        state: isSkipped(outcome) ? "skipped" : "ok",
        durationMs: durationMs(),
        ...(detail === undefined ? {} : { detail }),
      });
    } catch (error) {
      context.events({ type: "step", ...position, state: "failed", durationMs: durationMs() });
      // The step's error is the one to report, also where the journal cannot be written (a full disk).
      await note(step.id, "failed", messageOf(error)).catch(() => {});
      await note("-", "failed", messageOf(error)).catch(() => {});
      throw error;
    }
  }
  await note("-", "done", `${Math.round(context.clock.monotonicMs() - started)} ms`);
}
