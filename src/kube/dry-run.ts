import { systemClock } from "../base/clock.js";
import { isSlipwayError, type SlipwayError } from "../base/errors.js";
import { applyOne, type Refusal } from "./apply.js";
import type { KubeClient } from "./client.js";
import { concurrently } from "./concurrently.js";
import { ResourceMap } from "./discovery.js";
import { statusOf } from "./failures.js";
import { definedResources } from "./resources.js";
import { passingWhileSettling } from "./settle.js";
import type { CustomResourceDefinition, Manifest } from "./wire.js";

export interface DryRun {
  /** What the API server would not take. */
  refused: Refusal[];
  /** What cannot be tried before something else is there, or at all. */
  untried: Manifest[];
}

/**
 * Asks the API server whether it would take objects, as one lot, and changes nothing (KEP-576). What goes into a namespace of
 * the lot that is not there yet is tried in kube-system; custom resources whose definition is in the lot wait for it.
 *
 * @throws {SlipwayError} `API_UNREACHABLE`; the signal's reason when aborted
 */
export async function dryRunObjects(
  client: KubeClient,
  objects: readonly Manifest[],
  { signal, settleMs = 15_000 }: { signal?: AbortSignal; settleMs?: number } = {},
): Promise<DryRun> {
  const resources = new ResourceMap(client);
  const untilMs = systemClock.monotonicMs() + settleMs;
  const defined = new Set(
    objects
      .filter(({ kind, spec }) => kind === "CustomResourceDefinition" && hasVersions(spec))
      .flatMap((object) => [...definedResources(object as unknown as CustomResourceDefinition).keys()]),
  );
  const missing = await missingNamespaces(client, objects, signal);
  const found: DryRun = { refused: [], untried: [] };
  await concurrently(objects, { limit: 16, signal }, async (object, stop) => {
    try {
      const resource = await resources.find(object.apiVersion, object.kind, { signal: stop });
      const tried = missing.has(object.metadata.namespace ?? "") ? moved(object) : object;
      const isPassing = passingWhileSettling(new Set(["kube-system"]), tried);
      await applyOne(client, resource, tried, { untilMs, isPassing, signal: stop, dryRun: true });
    } catch (error) {
      if (!isSlipwayError(error, "API_REFUSED")) throw error;
      if (defined.has(`${object.apiVersion}/${object.kind}`) || isUntriable(object, error)) {
        found.untried.push(object);
      } else found.refused.push({ object, error });
    }
  });
  const inOrder = (a: Manifest, b: Manifest) => objects.indexOf(a) - objects.indexOf(b);
  return {
    refused: found.refused.sort((a, b) => inOrder(a.object, b.object)),
    untried: found.untried.sort(inOrder),
  };
}

const hasVersions = (spec: unknown): boolean =>
  typeof spec === "object" && spec !== null && "versions" in spec && Array.isArray(spec.versions);

const moved = (object: Manifest): Manifest => ({
  ...object,
  metadata: { ...object.metadata, namespace: "kube-system" },
});

/** Admission of a pod asks for its service account and priority class; a webhook may refuse to be tried. */
const isUntriable = ({ kind }: Manifest, error: SlipwayError): boolean =>
  (kind === "Pod" && statusOf(error) === 403) || error.message.includes("does not support dry run");

/** Namespaces of the lot that are still to be made. */
async function missingNamespaces(
  client: KubeClient,
  objects: readonly Manifest[],
  signal: AbortSignal | undefined,
): Promise<Set<string>> {
  const own = objects.filter(({ kind }) => kind === "Namespace").map(({ metadata }) => metadata.name);
  const { items } = await client.list<{ metadata: { name: string } }>(
    { path: "/api/v1/namespaces" },
    signal ? { signal } : {},
  );
  const there = new Set(items.map(({ metadata }) => metadata.name));
  return new Set(own.filter((name) => !there.has(name)));
}
