import { resolve } from "node:path";
import type { Context } from "../../base/context.js";
import { SlipwayError } from "../../base/errors.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { hostDriver } from "../driver.js";
import type { SnapshotDescription } from "./description.js";
import { readIdentity, refuseForeign } from "./identity.js";
import { inspectFile } from "./inspect.js";
import { pendingRestore } from "./pending.js";
import { fetchScheduled, listScheduled } from "./scheduled.js";
import { byAge, findFile, listShelf, type Snapshot, sweptShelf } from "./shelf.js";
import { latestSnapshot, namedSnapshot } from "./snapshots.js";

/** A snapshot that was verified, on the host. */
export interface ChosenSnapshot {
  /** Its name, or the file's path. */
  label: string;
  /** Absolute. */
  path: string;
  /** None of a file that came without, and was taken all the same. */
  description?: SnapshotDescription;
}

/** Whether a word names a file rather than a snapshot that the cluster has. */
const isPath = (word: string): boolean => word.includes("/") || word.endsWith(".db");

/**
 * Finds the snapshot that is meant, and verifies it: that it is whole, and of this cluster. One that a node has is brought to
 * the host. The caller holds the profile's lock.
 *
 * @throws {SlipwayError} `SNAPSHOT_NOT_FOUND`, `SNAPSHOT_INVALID`
 */
export async function chooseSnapshot(
  spec: ClusterSpec,
  { wanted, workingDirectory, force }: { wanted?: string; workingDirectory: string; force: boolean },
  etcdutl: string,
  context: Context,
): Promise<ChosenSnapshot> {
  const cluster = spec.metadata.name;
  const identity = await readIdentity(cluster, context);
  const verify = async (path: string, description?: SnapshotDescription) => {
    if (description) refuseForeign(description, cluster, identity);
    const found = await inspectFile(path, etcdutl, context, description);
    tellOfVersion(description, spec, context);
    return found;
  };
  const meant = wanted ?? (await pendingRestore(cluster, context))?.snapshot ?? "latest";
  if (isPath(meant)) {
    const path = resolve(workingDirectory, meant);
    const file = await findFile(path);
    if (!file) throw new SlipwayError("SNAPSHOT_NOT_FOUND", `there is no file ${path}`);
    if (!file.description && !force) throw undescribed(path);
    await verify(path, file.description);
    return { label: meant, path, ...(file.description ? { description: file.description } : {}) };
  }
  const snapshot = await find(meant, spec, context);
  if (snapshot.place === "host") {
    await verify(snapshot.path, snapshot);
    return { label: snapshot.name, path: snapshot.path, description: snapshot };
  }
  refuseForeign(snapshot, cluster, identity);
  const shelf = await sweptShelf(cluster, context);
  const fetched = await fetchScheduled(
    snapshot,
    shelf,
    { driver: hostDriver(context), verify: (part) => verify(part, snapshot) },
    context,
  );
  return { label: fetched.name, path: fetched.path, description: fetched };
}

async function find(meant: string, spec: ClusterSpec, context: Context): Promise<Snapshot> {
  const cluster = spec.metadata.name;
  const shelf = await listShelf(cluster, context);
  const here = shelf.find(({ name }) => name === meant);
  if (here) return here;
  const all = [...shelf, ...(await listScheduled(spec, hostDriver(context), context))].sort(byAge);
  return meant === "latest" ? latestSnapshot(all, cluster) : namedSnapshot(meant, all, cluster);
}

function tellOfVersion(
  description: SnapshotDescription | undefined,
  { kubernetesVersion }: ClusterSpec,
  { events }: Context,
): void {
  if (!description || description.kubernetesVersion === kubernetesVersion) return;
  events({
    type: "warning",
    message: `the snapshot was taken under Kubernetes ${description.kubernetesVersion}; the cluster has ${kubernetesVersion}`,
  });
}

const undescribed = (path: string): SlipwayError =>
  new SlipwayError("SNAPSHOT_INVALID", `${path} has no description beside it, so it may be of any cluster`, {
    hint: "put the .json that was saved with it beside it; or, if you know that it is of this cluster: --force",
    details: {
      why: "another cluster's Secrets are encrypted with another key, and its tokens and certificates are signed by others",
    },
  });
