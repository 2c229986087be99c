import type { Context } from "../base/context.js";
import type { EventBody } from "../base/events.js";

type ProgressBody = Extract<EventBody, { type: "progress" }>;

/**
 * Reports one subject's progress, ten times a second at most; the first and the last word always get through, and the first
 * one after it waited.
 */
export interface Progress {
  update(done: number, total?: number, detail?: string): void;
  /** It cannot go on before others have ended. */
  wait(): void;
  end(state: "ok" | "failed", detail?: string): void;
}

export function startProgress(
  { subject, phase, unit }: Pick<ProgressBody, "subject" | "phase" | "unit">,
  { events, clock }: Context,
): Progress {
  let last: { done: number; total?: number } = { done: 0 };
  let toldMs = Number.NEGATIVE_INFINITY;
  const tell = (state: ProgressBody["state"], detail?: string) =>
    events({
      type: "progress",
      subject,
      phase,
      unit,
      state,
      ...last,
      ...(detail === undefined ? {} : { detail }),
    });
  return {
    update(done, total, detail) {
      last = { done, ...(total === undefined ? {} : { total }) };
      const nowMs = clock.monotonicMs();
      if (nowMs - toldMs < 100) return;
      toldMs = nowMs;
      tell("running", detail);
    },
    wait() {
      toldMs = Number.NEGATIVE_INFINITY;
      tell("waiting");
    },
    end(state, detail) {
      if (state === "ok" && last.total !== undefined) last.done = last.total;
      tell(state, detail);
    },
  };
}
