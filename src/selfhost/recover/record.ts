import type { WorkloadRef } from "../rollout.js";

/** Says of a directory that a recovery wrote it, whole; what `selfhost start` cannot see in it otherwise. */
export interface RecoveryRecord {
  version: 1;
  /** Where from: `api`, `etcd` or `snapshot`. */
  from: RecoveryOrigin;
  /** Of the cluster's API servers. */
  port: number;
  /** Of kube-system: what has to be ready before the bootstrap control plane goes. */
  workloads: WorkloadRef[];
}

export type RecoveryOrigin = "api" | "etcd" | "snapshot";

export const recordName = "recovery.json";
export const recoverJournalName = ".slipway-recover.ndjson";
