/**
 * Which cluster an API server speaks for is told by the UID of its namespace kube-system (as OpenTelemetry's `k8s.cluster.uid`
 * is). It stays the same for as long as etcd's data do, through every restore.
 */
export const identityNamespace = "kube-system";

export interface ClusterSeen {
  /** Of the cluster that this node's checkpoints are of; undefined: there are none, or nobody noted it. */
  known: string | undefined;
  /** What the API server says; undefined: it has no such namespace. */
  uid: string | undefined;
  /** A pod that the cluster has of the checkpointer itself runs on this node, under the same UID. */
  ownPodRuns: boolean;
}

/**
 * Whether an API server serves the cluster that this node's checkpoints are of. Where etcd has lost its data and begun anew, a
 * control plane without any object answers, and all that is checkpointed would count as deleted. A cluster that was brought back
 * from checkpoints is another one too; but this node's kubelet runs the pod of the checkpointer that was made in it. Pure.
 */
export const isKnownCluster = ({ known, uid, ownPodRuns }: ClusterSeen): boolean =>
  uid !== undefined && (known === undefined || uid === known || ownPodRuns);
