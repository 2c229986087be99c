import { type ApplyOptions, deleteObjects } from "./apply.js";
import type { KubeClient } from "./client.js";
import { ResourceMap } from "./discovery.js";
import { collectionPath } from "./resources.js";
import { describeObject, type KubeObject, type Manifest } from "./wire.js";

export interface PruneOptions extends ApplyOptions {
  /** Which objects are ours to remove: `app.kubernetes.io/managed-by=slipway`. */
  labelSelector: string;
  /** Kinds to look through, in every namespace. */
  kinds: readonly Pick<Manifest, "apiVersion" | "kind">[];
}

/**
 * Deletes the objects that carry a label and are not among those to keep: what an older version had applied.
 *
 * @returns the names of what was deleted: `ConfigMap kube-system/old`.
 * @throws {SlipwayError} as `deleteObjects`.
 */
export async function pruneObjects(
  client: KubeClient,
  keep: readonly Manifest[],
  { labelSelector, kinds, ...options }: PruneOptions,
): Promise<string[]> {
  const resources = new ResourceMap(client);
  const call = options.signal ? { signal: options.signal } : {};
  const found = await Promise.all(
    kinds.map(async ({ apiVersion, kind }) => {
      const resource = await resources.find(apiVersion, kind, call);
      const { items } = await client.list<KubeObject>(
        { path: collectionPath(resource), labelSelector },
        call,
      );
      // The items of a list do not say their kind.
      return items.map((item) => ({ ...item, apiVersion, kind }) as Manifest);
    }),
  );
  // An object without a namespace is cluster-scoped, or in `default`.
  const kept = new Set(
    keep.flatMap((object) => [
      describeObject(object),
      describeObject({ ...object, metadata: { namespace: "default", ...object.metadata } }),
    ]),
  );
  const surplus = found.flat().filter((object) => !kept.has(describeObject(object)));
  await deleteObjects(client, surplus, options);
  return surplus.map(describeObject);
}
