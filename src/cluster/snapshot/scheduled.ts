import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../../base/context.js";
import type { MachineDriver } from "../../machines/driver.js";
import { places } from "../../plan/places.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { parseDescription } from "./description.js";
import { byAge, partOf, type Snapshot, shelve } from "./shelf.js";

/** What the nodes took by schedule, oldest first; of those that run. What a node says is checked like what a file says. */
export async function listScheduled(
  spec: ClusterSpec,
  driver: MachineDriver,
  { signal }: Context,
): Promise<Snapshot[]> {
  const cluster = spec.metadata.name;
  const machines = await driver.list(cluster);
  const running = machines.filter(({ role, state }) => role === "control-plane" && state === "running");
  const found = await Promise.all(
    running.map(async ({ name }) => {
      const command = ["/bin/sh", "-c", `cat ${places.snapshots}/*.json 2>/dev/null || true`];
      const { stdout } = await driver.exec(cluster, name, command, { signal });
      return stdout.split("\n").flatMap((line): Snapshot[] => {
        const description = line === "" ? undefined : parseDescription(line);
        if (!description) return [];
        return [{ ...description, place: name, path: `${places.snapshots}/${description.name}.db` }];
      });
    }),
  );
  return found.flat().sort(byAge);
}

/**
 * Brings a node's snapshot to the host, where it stays. The caller holds the profile's lock.
 *
 * @param verify looks at the file before it counts as a snapshot
 */
export async function fetchScheduled(
  { place, path, ...description }: Snapshot,
  shelf: string,
  { driver, verify }: { driver: MachineDriver; verify: (part: string) => Promise<unknown> },
  context: Context,
): Promise<Snapshot> {
  const target = join(shelf, `${description.name}.db`);
  const part = partOf(target);
  try {
    await driver.copyOut(description.cluster, place, path, part, context);
    await verify(part);
    return await shelve(part, target, description, context);
  } finally {
    await rm(part, { force: true });
  }
}

export async function removeScheduled(
  { cluster, place, name }: Snapshot,
  driver: MachineDriver,
  { signal }: Context,
): Promise<void> {
  const files = ["json", "db"].map((ending) => `${places.snapshots}/${name}.${ending}`);
  await driver.exec(cluster, place, ["rm", "-f", ...files], { signal });
}
