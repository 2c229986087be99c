import type { ClusterSpec } from "../spec/cluster-spec.js";

/** What a start waits for before it says that the cluster is there. */
export type WaitFor =
  | "apiserver"
  | "kubelet"
  | "node_ready"
  /** A pod can be made in the namespace `default`. */
  | "default_sa"
  /** Names resolve. */
  | "apps_running"
  /** Every add-on runs. */
  | "system_pods";

/**
 * What a start waits for when nobody says: everything that the cluster's network lets come true. Without a pod network
 * no node gets Ready and no pod runs, but the kubelets report.
 */
export const usualWaits = ({ network }: ClusterSpec): ReadonlySet<WaitFor> =>
  new Set(
    network.cni === "none"
      ? ["apiserver", "kubelet"]
      : ["apiserver", "node_ready", "default_sa", "apps_running"],
  );
