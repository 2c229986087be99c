/**
 * What the plan has to know of the machines beside the spec: read once at the edge, kept with the profile, so that the
 * same spec on the same kind of machine gives the same plan.
 */
export interface PlatformFacts {
  /** What the nodes see under /sys/fs/cgroup: hosts in hybrid mode count as 1. */
  cgroupVersion: 1 | 2;
  /**
   * Whether the nodes may lower an OOM score (CAP_SYS_RESOURCE). Where not, containerd must not try:
   * every pod sandbox would fail with "can't get final child's PID from pipe: EOF".
   */
  mayLowerOomScore: boolean;
  /** The name servers that nodes can reach; without one, CoreDNS answers for the cluster only. */
  nameservers: string[];
}

/** A machine with a kernel of its own, ours, has what that has; a sandbox what its host lets it have. */
export const metalFacts = (host: PlatformFacts): PlatformFacts => ({
  ...host,
  cgroupVersion: 2,
  mayLowerOomScore: true,
});
