/** What is known about a workload's only pod on this node, a candidate for its checkpoint. */
export interface Candidate {
  fingerprint: string;
  /** The controller's hash of its template. */
  revision: string;
  /** Since when it has been Ready with the containers that it has now; undefined: it is not. */
  readySinceMs: number | undefined;
  /** Since when nothing else of the workload runs on this node, which might answer its probes on the same port. */
  aloneSinceMs: number;
  /** When this fingerprint was first seen. */
  seenSinceMs: number;
}

export interface PromotionTiming {
  /** How long a pod must have been Ready and alone. */
  promoteAfterMs: number;
  /**
   * How long changed data of a revision that is known to be good must have been there: kubelets bring it into a running pod
   * with a delay of up to a minute and a half (sync period and cache), and only then does its health say anything of it.
   */
  dataSettleMs: number;
}

export const defaultDataSettleMs = 120_000;

/** Whether a candidate becomes the checkpoint: last-known-good means that this one is known to be good. Pure. */
export function isPromotable(
  candidate: Candidate,
  stored: { fingerprint: string; revision: string } | undefined,
  nowMs: number,
  { promoteAfterMs, dataSettleMs }: PromotionTiming,
): boolean {
  if (candidate.readySinceMs === undefined || candidate.fingerprint === stored?.fingerprint) return false;
  const goodSinceMs = Math.max(candidate.readySinceMs, candidate.aloneSinceMs);
  if (nowMs - goodSinceMs < promoteAfterMs) return false;
  const isNewData = stored !== undefined && stored.revision === candidate.revision;
  return !isNewData || nowMs - candidate.seenSinceMs >= dataSettleMs;
}
