import type { MachineDriver } from "../../machines/driver.js";

/** MemAvailable, and what the node's own cgroup (v1 or v2) leaves: `available limit usage inactive`, in bytes. */
const script = `set -u
awk '/^MemAvailable:/ { print $2 * 1024 }' /proc/meminfo
for directory in /sys/fs/cgroup /sys/fs/cgroup/memory; do
  for limit in memory.max memory.limit_in_bytes; do
    [ -r $directory/$limit ] || continue
    cat $directory/$limit
    cat $directory/memory.current $directory/memory.usage_in_bytes 2>/dev/null
    awk '$1 == "inactive_file" || $1 == "total_inactive_file" { seen = $2 } END { print seen + 0 }' $directory/memory.stat
    exit 0
  done
done`;

/** Bytes that programs on a node can still have, caches counted as free. */
export async function availableMemory(
  driver: MachineDriver,
  cluster: string,
  node: string,
  signal: AbortSignal,
): Promise<number> {
  const { stdout } = await driver.exec(cluster, node, ["/bin/sh", "-c", script], { signal });
  const [host, limit, usage = 0, inactive = 0] = stdout.split("\n").map(Number);
  const left = limit !== undefined && Number.isFinite(limit) ? limit - usage + inactive : Infinity;
  return Math.min(host ?? Infinity, left);
}
