import type { Context } from "../../base/context.js";
import { SlipwayError } from "../../base/errors.js";
import { didYouMean } from "../../base/nearest.js";
import { hostDriver } from "../driver.js";
import { lockProfile, readProfile } from "../profile.js";
import { listScheduled, removeScheduled } from "./scheduled.js";
import { byAge, listShelf, removeFromShelf, type Snapshot } from "./shelf.js";

/** All snapshots of a cluster, oldest first: the host's, and what its running nodes took by schedule. */
export async function listSnapshots(name: string, context: Context): Promise<Snapshot[]> {
  const { spec } = await readProfile(name, context);
  const [shelf, scheduled] = await Promise.all([
    listShelf(name, context),
    listScheduled(spec, hostDriver(context), context),
  ]);
  // One that was fetched is there twice: the host's is the one that stays.
  const kept = new Set(shelf.map((snapshot) => snapshot.name));
  return [...shelf, ...scheduled.filter((snapshot) => !kept.has(snapshot.name))].sort(byAge);
}

/** Removes snapshots, wherever they are. @throws {SlipwayError} `SNAPSHOT_NOT_FOUND` before any is removed */
export async function deleteSnapshots(name: string, wanted: string[], context: Context): Promise<void> {
  const { spec } = await readProfile(name, context);
  await using _lock = await lockProfile(name, context);
  const driver = hostDriver(context);
  const shelf = await listShelf(name, context);
  const scheduled = await listScheduled(spec, driver, context);
  const all = [...shelf, ...scheduled];
  for (const one of wanted) namedSnapshot(one, all, name);
  for (const snapshot of shelf.filter((entry) => wanted.includes(entry.name)))
    await removeFromShelf(snapshot);
  for (const snapshot of scheduled.filter((entry) => wanted.includes(entry.name))) {
    await removeScheduled(snapshot, driver, context);
  }
}

/** @throws {SlipwayError} `SNAPSHOT_NOT_FOUND`, with what may have been meant */
export function namedSnapshot(wanted: string, all: readonly Snapshot[], cluster: string): Snapshot {
  const found = all.find(({ name }) => name === wanted);
  if (found) return found;
  const names = all.map(({ name }) => name);
  const near = didYouMean(wanted, names);
  throw new SlipwayError(
    "SNAPSHOT_NOT_FOUND",
    `cluster ${cluster} has no snapshot ${wanted}${near ? `; ${near}` : ""}`,
    { hint: `slipway snapshot list -p ${cluster}${names.length === 0 ? " (there is none)" : ""}` },
  );
}

/** The newest that was taken on purpose: what a restore set aside is not what the next one means. */
export function latestSnapshot(all: readonly Snapshot[], cluster: string): Snapshot {
  const latest = all.findLast(({ reason }) => reason !== "before-restore");
  if (latest) return latest;
  throw new SlipwayError("SNAPSHOT_NOT_FOUND", `cluster ${cluster} has no snapshot`, {
    hint: `take one: slipway snapshot save -p ${cluster}`,
  });
}
