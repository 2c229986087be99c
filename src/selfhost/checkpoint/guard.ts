import type { Rollout } from "./rollout.js";

/** What the guard remembers of a rollout between looks. */
export interface RolloutMemory {
  current: string;
  generation: number;
  /** When the rollout last moved: it began, or one more new pod became Ready. */
  movedMs: number;
  mostReady: number;
  /** When its controller was last reminded. */
  remindedMs?: number;
  /** It was said that this one is left alone. */
  gaveUp: boolean;
}

export interface GuardTiming {
  /** How long failing new pods get. */
  rollbackAfterMs: number;
  /** How long all new pods must have been Ready before their revision is called good. */
  promoteAfterMs: number;
  /** How often one revision is rolled back; after that the user means it. */
  maxRollbacks: number;
}

/**
 * How much later than it should an old pod may be told to end. A controller looks at a new pod's time once; another look that
 * stood before it for the same workload takes its place, and if that comes too early nobody looks again
 * (`enqueueDaemonSetAfter` in pkg/controller/daemon/daemon_controller.go).
 */
const reminderMs = 5_000;

/** New pods that are only slow (an image that comes slowly, a volume that waits) get this many times as long. */
const slowFactor = 5;

export type GuardDecision =
  | { do: "nothing" }
  | { do: "mark-good" }
  | { do: "remind"; why: string }
  | { do: "roll-back"; why: string }
  | { do: "give-up"; why: string };

/**
 * What to do about a rollout. It is rolled back when new pods fail, or run without becoming Ready, and nothing has moved for
 * `rollbackAfterMs`, while there is an older revision that ran well. Pure.
 */
export function guardRollout(
  rollout: Rollout,
  generation: number,
  before: RolloutMemory | undefined,
  nowMs: number,
  timing: GuardTiming,
): { memory: RolloutMemory; decision: GuardDecision } {
  const updated = rollout.pods.filter((pod) => pod.updated);
  const ready = updated.filter((pod) => pod.readySinceMs !== undefined).length;
  const isSame = before?.current === rollout.current && before.generation === generation;
  const memory: RolloutMemory = isSame
    ? {
        ...before,
        mostReady: Math.max(before.mostReady, ready),
        movedMs: ready > before.mostReady ? nowMs : before.movedMs,
      }
    : { current: rollout.current, generation, movedMs: nowMs, mostReady: ready, gaveUp: false };
  const nothing = { memory, decision: { do: "nothing" } } as const;
  if (rollout.current === rollout.lastGood) return nothing;
  if (isComplete(rollout, nowMs, timing)) return { memory, decision: { do: "mark-good" } };
  if (!rollout.guarded) return nothing;
  const forgotten = forgottenOf(rollout, memory.remindedMs ?? 0, nowMs);
  if (forgotten !== undefined)
    return { memory: { ...memory, remindedMs: nowMs }, decision: { do: "remind", why: forgotten } };
  if (rollout.lastGoodTemplate === undefined || memory.gaveUp) return nothing;
  const why = stallOf(rollout, nowMs - memory.movedMs, nowMs, timing);
  if (why === undefined) return nothing;
  const rollbacks = rollout.rollbacks[rollout.current] ?? 0;
  if (rollbacks < timing.maxRollbacks) return { memory, decision: { do: "roll-back", why } };
  return {
    memory: { ...memory, gaveUp: true },
    decision: {
      do: "give-up",
      why: `${why}; it was rolled back ${rollbacks} times and set again, so it is left alone`,
    },
  };
}

/** All pods are of the wanted revision, and have been well for a while. */
function isComplete({ pods, desired }: Rollout, nowMs: number, { promoteAfterMs }: GuardTiming): boolean {
  return (
    desired > 0 &&
    pods.length === desired &&
    pods.every(
      ({ updated, readySinceMs }) =>
        updated && readySinceMs !== undefined && nowMs - readySinceMs >= promoteAfterMs,
    )
  );
}

/** What its controller should have ended by now; undefined: nothing. */
function forgottenOf({ pods, minReadyMs }: Rollout, remindedMs: number, nowMs: number): string | undefined {
  const isDue = (sinceMs: number) => nowMs - sinceMs >= minReadyMs + reminderMs;
  if (minReadyMs === 0 || !isDue(remindedMs)) return undefined;
  for (const old of pods) {
    if (old.updated || old.ending) continue;
    const successor = pods.find(
      ({ updated, node, readySinceMs }) =>
        updated && node === old.node && readySinceMs !== undefined && isDue(readySinceMs),
    );
    if (successor)
      return `pod ${successor.name} has long been ready, and ${old.name} beside it was not told to end`;
  }
  return undefined;
}

/** Why a rollout will not get further by itself; undefined: it may. */
function stallOf(
  { pods }: Rollout,
  stillMs: number,
  nowMs: number,
  { rollbackAfterMs }: GuardTiming,
): string | undefined {
  if (stillMs < rollbackAfterMs) return undefined;
  const updated = pods.filter((pod) => pod.updated);
  const failing = updated.find(({ failure }) => failure !== undefined);
  if (failing) return `pod ${failing.name}: ${failing.failure}`;
  // A revision that is well on one node is not undone for another node's sake.
  if (updated.some(({ readySinceMs }) => readySinceMs !== undefined)) return undefined;
  const unready = updated.find(({ unreadySinceMs }) => unreadySinceMs !== undefined);
  if (unready?.unreadySinceMs !== undefined && nowMs - unready.unreadySinceMs >= rollbackAfterMs)
    return `pod ${unready.name} has run for ${seconds(nowMs - unready.unreadySinceMs)} without becoming Ready`;
  if (stillMs < slowFactor * rollbackAfterMs) return undefined;
  return `none of its ${updated.length} new pods has become Ready in ${seconds(stillMs)}`;
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
