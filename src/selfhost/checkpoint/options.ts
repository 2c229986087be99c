import type { Clock } from "../../base/clock.js";

/** One line of the checkpointer's log. */
export interface LogEntry {
  level: "info" | "warning" | "error";
  message: string;
  [field: string]: string | number | boolean | undefined;
}

export interface CheckpointerOptions {
  /** `/etc/kubernetes` of the node. */
  directory: string;
  kubeconfig: string;
  /** `unix:///run/containerd/containerd.sock` */
  runtimeEndpoint: string;
  lockFile: string;
  namespace: string;
  nodeName: string;
  /** The checkpointer's own DaemonSet. */
  selfName: string;
  intervalMs: number;
  promoteAfterMs: number;
  dataSettleMs: number;
  activateAfterMs: number;
  abandonedAfterMs: number;
  graceMs: number;
  retryAfterMs: number;
  /** 0 leaves rollouts alone. */
  rollbackAfterMs: number;
  maxRollbacks: number;
  clock: Clock;
  log: (entry: LogEntry) => void;
  signal: AbortSignal;
}
