import { systemClock } from "../base/clock.js";
import type { ResourceMap } from "./discovery.js";
import { readStatus, statusOf } from "./failures.js";
import type { Resource } from "./resources.js";
import { type IsPassing, isBusy } from "./retry.js";
import type { Manifest } from "./wire.js";

/** Namespaces that the API server makes by itself, a moment after it is ready. */
export const systemNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"];

/** What a fresh API server answers before its own namespaces and roles are there. */
export function passingWhileSettling(expectedNamespaces: ReadonlySet<string>, object: Manifest): IsPassing {
  return (response) => {
    if (response.status === 403) return true;
    if (response.status === 404) {
      // Of a namespace: made by the API server or just before this. Of anything else: a kind just defined.
      const missing = readStatus(response)?.details;
      return missing?.kind !== "namespaces" || expectedNamespaces.has(object.metadata.namespace ?? "default");
    }
    return isBusy(response) && !isSchemaError(response.body);
  };
}

/** Server-side apply reports a field that the kind does not have as 500 (structured-merge-diff `typed`): it stays so. */
const isSchemaError = (body: string) => body.includes("field not declared in schema");

/** A kind from a definition of somebody else may take a moment to be offered. */
export async function findPatiently(
  resources: ResourceMap,
  object: Manifest,
  untilMs: number,
  signal: AbortSignal,
): Promise<Resource> {
  for (;;) {
    try {
      return await resources.find(object.apiVersion, object.kind, { signal });
    } catch (error) {
      if (statusOf(error) !== 404 || systemClock.monotonicMs() >= untilMs) throw error;
      await systemClock.sleep(200, signal);
    }
  }
}
