/**
 * What becomes of one workload's checkpoint on this node: bootkube's table, with one row more where the API server is up and
 * the workload has no healthy pod anywhere, and with more care before anything is activated, taken away or removed.
 *
 * State          | API down                | pod here                 | nowhere healthy       | elsewhere or gone
 * ---------------|-------------------------|--------------------------|-----------------------|--------------------------
 * none           | a stored checkpoint makes it inactive, in every column
 * inactive       | silent: active          | silent: active           | silent: active        | inactive-grace
 * inactive-grace | stay (timer runs), silent: active | inactive       | inactive              | at expiry none
 * active         | stay                    | healthy: inactive        | stay                  | active-grace
 * active-grace   | active                  | active                   | active                | at expiry none
 * self           | stay                    | stay                     | stay                  | self-grace
 * self-grace     | self                    | self                     | self                  | at expiry, last of all, none
 *
 * "silent": no container of any pod of the workload, of whatever revision, has run on this node for `activateAfterMs`; where
 * the API server is down, it is enough that none had a sandbox for `abandonedAfterMs`: after a reboot the kubelet knows of no
 * pod but static ones, and starts none again.
 * "API down": it does not answer, or it serves another cluster than the one that the checkpoints are of (known-cluster.ts).
 * When the container runtime cannot be asked, every row says: stay, and do nothing.
 */
export type CheckpointState =
  | { name: "none" }
  | { name: "inactive" }
  | { name: "inactive-grace"; sinceMs: number }
  | { name: "active"; sinceMs: number; tries: number }
  | { name: "active-grace"; sinceMs: number; activeSinceMs: number; tries: number }
  | { name: "self"; sinceMs: number; tries: number }
  | { name: "self-grace"; sinceMs: number; activeSinceMs: number; tries: number };

/**
 * Where the API server says that the workload's pods are. here: one is bound to this node. elsewhere: none here, a Ready one
 * on another node. nowhere: it wants pods, and none is Ready. gone: it is deleted, or wants no pods.
 */
export type ParentPlace = "here" | "elsewhere" | "nowhere" | "gone";

export interface CheckpointObservation {
  nowMs: number;
  /** undefined: the container runtime did not answer. */
  runtime:
    | {
        parentRunning: boolean;
        copyStarted: boolean;
        silentForMs: number;
        /** For how long no pod of the workload has had a ready sandbox here. */
        abandonedForMs: number;
      }
    | undefined;
  /** undefined: the API server did not answer, or not for the cluster that the checkpoints are of. */
  api: { parent: ParentPlace; parentHealthy: boolean } | undefined;
  /** The checkpointer's own workload. */
  isSelf: boolean;
  stored: boolean;
  /** Copies of other workloads are still to be cleaned up; ours stays until there are none. */
  othersLeft: boolean;
  /** The checkpointer is on its way out: its own workload is gone. */
  leaving: boolean;
}

export interface CheckpointTiming {
  /** How long nothing of a workload must have run before its copy is activated. */
  activateAfterMs: number;
  /** The same while the API server is down, without a sandbox that the kubelet could start anything in. */
  abandonedAfterMs: number;
  graceMs: number;
  /** How long an activated copy may take to get a sandbox before the kubelet is asked again; doubles up to 16 times. */
  retryAfterMs: number;
}

/** What to do on the disk: `activate` also writes again what the kubelet did not take. */
export type CheckpointAction = "activate" | "deactivate" | "remove";

export interface Transition {
  state: CheckpointState;
  action?: CheckpointAction;
  /** For the log, where the state or the disk changes. */
  why?: string;
}

/** One row of the table. Pure. */
export function transition(
  state: CheckpointState,
  seen: CheckpointObservation,
  timing: CheckpointTiming,
): Transition {
  if (seen.runtime === undefined) return { state };
  switch (state.name) {
    case "none":
      return fromNone(seen);
    case "inactive":
      return fromInactive(seen, timing);
    case "inactive-grace":
      return fromInactiveGrace(state, seen, timing);
    case "active":
      return fromActive(state, seen, timing);
    case "active-grace":
      return fromActiveGrace(state, seen, timing);
    case "self":
      return fromSelf(state, seen, timing);
    case "self-grace":
      return fromSelfGrace(state, seen, timing);
  }
}

function fromNone({ stored, isSelf, nowMs }: CheckpointObservation): Transition {
  if (!stored) return { state: { name: "none" } };
  // After a reboot nobody but the kubelet is there to start the checkpointer, so its copy always stands.
  return isSelf
    ? activated("self", nowMs, 0, "the checkpointer's own copy always stands")
    : { state: { name: "inactive" }, why: "a checkpoint is stored" };
}

function fromInactive(seen: CheckpointObservation, timing: CheckpointTiming): Transition {
  if (seen.leaving) return removed("the checkpointer is being removed from this node");
  if (isLeft(seen)) return { state: { name: "inactive-grace", sinceMs: seen.nowMs }, why: leftBecause(seen) };
  return activatedIfSilent(seen, timing) ?? { state: { name: "inactive" } };
}

function fromInactiveGrace(
  state: CheckpointState & { name: "inactive-grace" },
  seen: CheckpointObservation,
  timing: CheckpointTiming,
): Transition {
  if (seen.leaving) return removed("the checkpointer is being removed from this node");
  if (seen.api === undefined) return activatedIfSilent(seen, timing) ?? { state };
  if (!isLeft(seen)) return { state: { name: "inactive" }, why: "the workload is back" };
  return expired(state, seen, timing)
    ? removed(`${leftBecause(seen)}, for ${seconds(timing.graceMs)}`)
    : { state };
}

function fromActive(
  state: CheckpointState & { name: "active" },
  seen: CheckpointObservation,
  timing: CheckpointTiming,
): Transition {
  if (seen.api === undefined) return retried(state, seen, timing);
  if (isLeft(seen)) {
    return {
      state: { name: "active-grace", sinceMs: seen.nowMs, activeSinceMs: state.sinceMs, tries: state.tries },
      why: leftBecause(seen),
    };
  }
  if (seen.api.parent === "here" && seen.api.parentHealthy)
    return { state: { name: "inactive" }, action: "deactivate", why: "the workload's own pod is healthy" };
  return retried(state, seen, timing);
}

function fromActiveGrace(
  state: CheckpointState & { name: "active-grace" },
  seen: CheckpointObservation,
  timing: CheckpointTiming,
): Transition {
  const active = { name: "active", sinceMs: state.activeSinceMs, tries: state.tries } as const;
  if (seen.api === undefined)
    return { state: active, why: "the API server went away: nobody can say that the copy is not needed" };
  if (!isLeft(seen)) return { state: active, why: "the workload is back" };
  return expired(state, seen, timing)
    ? {
        state: { name: "none" },
        action: "remove",
        why: `${leftBecause(seen)}, for ${seconds(timing.graceMs)}`,
      }
    : { state };
}

function fromSelf(
  state: CheckpointState & { name: "self" },
  seen: CheckpointObservation,
  timing: CheckpointTiming,
): Transition {
  if (!isLeft(seen)) return retried(state, seen, timing);
  return {
    state: { name: "self-grace", sinceMs: seen.nowMs, activeSinceMs: state.sinceMs, tries: state.tries },
    why: leftBecause(seen),
  };
}

function fromSelfGrace(
  state: CheckpointState & { name: "self-grace" },
  seen: CheckpointObservation,
  timing: CheckpointTiming,
): Transition {
  if (!isLeft(seen)) {
    return {
      state: { name: "self", sinceMs: state.activeSinceMs, tries: state.tries },
      why: seen.api === undefined ? "the API server went away" : "the checkpointer is back",
    };
  }
  if (!expired(state, seen, timing) || seen.othersLeft) return { state };
  return {
    state: { name: "none" },
    action: "remove",
    why: `${leftBecause(seen)}; all other checkpoints are gone`,
  };
}

const isLeft = ({ api }: CheckpointObservation): boolean =>
  api !== undefined && (api.parent === "elsewhere" || api.parent === "gone");

const leftBecause = ({ api }: CheckpointObservation): string =>
  api?.parent === "gone"
    ? "the workload is deleted or wants no pods"
    : "the workload runs on other nodes and no longer here";

const removed = (why: string): Transition => ({ state: { name: "none" }, action: "remove", why });

const expired = (
  { sinceMs }: { sinceMs: number },
  { nowMs }: CheckpointObservation,
  { graceMs }: CheckpointTiming,
): boolean => nowMs - sinceMs >= graceMs;

const activated = (name: "active" | "self", nowMs: number, tries: number, why: string): Transition => ({
  state: { name, sinceMs: nowMs, tries },
  action: "activate",
  why,
});

function activatedIfSilent(
  { runtime, nowMs, api }: CheckpointObservation,
  { activateAfterMs, abandonedAfterMs }: CheckpointTiming,
): Transition | undefined {
  if (runtime === undefined || runtime.parentRunning) return undefined;
  const isAbandoned = api === undefined && runtime.abandonedForMs >= abandonedAfterMs;
  if (!isAbandoned && runtime.silentForMs < activateAfterMs) return undefined;
  const apiSays = api === undefined ? "the API server does not answer" : `its pods are ${api.parent}`;
  return activated(
    "active",
    nowMs,
    0,
    `nothing of the workload has run here for ${seconds(runtime.silentForMs)}; ${apiSays}`,
  );
}

/** A static pod that the kubelet did not admit is never tried again by it, unless its manifest changes. */
function retried(
  state: CheckpointState & { name: "active" | "self" },
  { runtime, nowMs }: CheckpointObservation,
  { retryAfterMs }: CheckpointTiming,
): Transition {
  if (runtime === undefined || runtime.copyStarted || (state.name === "active" && runtime.parentRunning))
    return { state };
  if (nowMs - state.sinceMs < retryAfterMs * 2 ** Math.min(state.tries, 4)) return { state };
  const tries = state.tries + 1;
  return activated(state.name, nowMs, tries, `the kubelet has not started the copy (try ${tries + 1})`);
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
