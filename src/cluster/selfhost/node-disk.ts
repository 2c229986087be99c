import type { MachineDriver } from "../../machines/driver.js";
import { places } from "../../plan/places.js";

/** Where a node writes: its own files, images, etcd's data. */
const directories = ["/etc/kubernetes", "/var/lib/containerd", places.etcdData];

/** Bytes that programs on a node can still write, where it is least. */
export async function availableDisk(
  driver: MachineDriver,
  cluster: string,
  node: string,
  signal: AbortSignal,
): Promise<number> {
  const script = `df --output=avail --block-size=1 ${directories.join(" ")} 2>/dev/null | tail -n +2`;
  const { stdout } = await driver.exec(cluster, node, ["/bin/sh", "-c", script], { signal });
  return Math.min(...stdout.split("\n").filter(Boolean).map(Number));
}
