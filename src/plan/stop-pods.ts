export const stopPodsPath = "/etc/slipway/stop-pods.sh";

/**
 * Ends all processes of all pods when a node goes down: asks, waits up to two seconds, and kills. Without it systemd waits for
 * programs that ignore SIGTERM, as any program does that is its container's first and has no handler.
 * Pods are below kubepods (cgroupfs) or kubepods.slice (systemd), in each hierarchy of cgroup v1 alike.
 */
export const stopPodsScript = `#!/bin/sh
pods() {
  for root in /sys/fs/cgroup/pids/kubepods /sys/fs/cgroup/pids/kubepods.slice /sys/fs/cgroup/kubepods /sys/fs/cgroup/kubepods.slice; do
    [ -d "$root" ] && find "$root" -name cgroup.procs -exec cat {} +
  done 2>/dev/null
}
kill -TERM $(pods) 2>/dev/null
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  [ -z "$(pods)" ] && exit 0
  sleep 0.1
done
kill -KILL $(pods) 2>/dev/null
exit 0
`;
