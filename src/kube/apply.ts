import { systemClock } from "../base/clock.js";
import { isSlipwayError, SlipwayError } from "../base/errors.js";
import { inStages } from "./apply-order.js";
import { isSuccess, type KubeClient } from "./client.js";
import { concurrently } from "./concurrently.js";
import { crdsEstablished } from "./conditions.js";
import { ResourceMap } from "./discovery.js";
import { refused, statusOf } from "./failures.js";
import type { KubeRequest, KubeResponse } from "./request.js";
import { definedResources, objectPath, type Resource } from "./resources.js";
import { type IsPassing, isBusy, requestPatiently } from "./retry.js";
import { findPatiently, passingWhileSettling, systemNamespaces } from "./settle.js";
import { waitForObjects } from "./wait.js";
import { type CustomResourceDefinition, describeObject, type KubeObject, type Manifest } from "./wire.js";

export interface ApplyOptions {
  signal?: AbortSignal;
  /**
   * How long a busy or not yet complete API server gets to settle: answers that pass (409, 429, 5xx, lost connections;
   * in a fresh cluster 403 before RBAC's own roles are there, 404 before the system's namespaces are) are tried again
   * until then. @default 15000
   */
  settleMs?: number;
  /** Requests in flight at a time. @default 16 */
  limit?: number;
  /** What the API refuses is told here, and the rest goes on. @default the first refusal ends it */
  onRefused?: (refusal: Refusal) => void;
}

/** An object that the API server did not take, and its words. */
export interface Refusal {
  object: Manifest;
  error: SlipwayError;
}

const fieldManager = "slipway";

/**
 * Applies objects by server-side apply (KEP-555) as field manager `slipway`, taking over fields that others hold. What
 * others depend on goes first (apply-order.ts), the rest at once; custom resources wait for their definitions.
 * Applying the same objects again changes nothing.
 *
 * @returns the objects as the API server has them now, in the order given, without those that it refused.
 * @throws {SlipwayError} `API_REFUSED` that names the object; `API_UNREACHABLE`; `CONFIG_INVALID` for an object that
 * cannot be applied; the signal's reason when aborted. Objects applied before stay.
 */
export async function applyObjects(
  client: KubeClient,
  objects: readonly Manifest[],
  { signal, settleMs = 15_000, limit = 16, onRefused }: ApplyOptions = {},
): Promise<KubeObject[]> {
  objects.forEach(checkApplicable);
  const resources = new ResourceMap(client);
  const untilMs = systemClock.monotonicMs() + settleMs;
  const expectedNamespaces = new Set([...systemNamespaces, ...namesOf(objects, "Namespace")]);
  const applied = new Map<Manifest, KubeObject>();
  for (const stage of inStages(objects)) {
    await concurrently(stage, { limit, signal }, async (object, stop) => {
      try {
        const resource = await findPatiently(resources, object, untilMs, stop);
        const isPassing = passingWhileSettling(expectedNamespaces, object);
        applied.set(object, await applyOne(client, resource, object, { untilMs, isPassing, signal: stop }));
      } catch (error) {
        if (!onRefused || !isSlipwayError(error, "API_REFUSED")) throw error;
        onRefused({ object, error });
      }
    });
    const taken = stage.filter((object) => applied.has(object));
    await definitionsEstablished(client, taken, resources, { settleMs, signal });
  }
  return objects.flatMap((object) => applied.get(object) ?? []);
}

/**
 * Deletes objects, those first that were applied last; what is not there is fine. What they own goes in the background
 * (a namespace's contents, a Deployment's pods): returns when the deletions are accepted.
 *
 * @throws {SlipwayError} as `applyObjects`.
 */
export async function deleteObjects(
  client: KubeClient,
  objects: readonly Manifest[],
  { signal, settleMs = 15_000, limit = 16 }: ApplyOptions = {},
): Promise<void> {
  const resources = new ResourceMap(client);
  const untilMs = systemClock.monotonicMs() + settleMs;
  for (const stage of inStages(objects).reverse()) {
    await concurrently(stage, { limit, signal }, async (object, stop) => {
      const resource = await resources
        .find(object.apiVersion, object.kind, { signal: stop })
        .catch((error) => {
          if (statusOf(error) === 404) return undefined; // its definition is gone, and it with it
          throw error;
        });
      if (!resource) return;
      const request: KubeRequest = {
        method: "DELETE",
        path: objectPath(resource, object),
        query: { propagationPolicy: "Background" },
        signal: stop,
      };
      const response = await requestPatiently(client, request, { untilMs, isPassing: isBusy });
      if (!isSuccess(response) && response.status !== 404)
        throw refused(request, response, describeObject(object));
    });
  }
}

/** One object by server-side apply. */
export async function applyOne(
  client: KubeClient,
  resource: Resource,
  object: Manifest,
  {
    untilMs,
    isPassing,
    signal,
    dryRun = false,
  }: { untilMs: number; isPassing: IsPassing; signal: AbortSignal; dryRun?: boolean },
): Promise<KubeObject> {
  const request: KubeRequest = {
    method: "PATCH",
    path: objectPath(resource, object),
    // As kubectl: a misspelt field is an error, not silence.
    query: {
      fieldManager,
      force: "true",
      fieldValidation: "Strict",
      ...(dryRun ? { dryRun: "All" } : {}),
    },
    // JSON is YAML; the type is what makes it an apply.
    contentType: "application/apply-patch+yaml",
    body: object,
    signal,
  };
  const response = await requestPatiently(client, request, { untilMs, isPassing });
  if (!isSuccess(response)) {
    throw refused(request, withoutSecrets(response, object), describeObject(object));
  }
  return JSON.parse(response.body) as KubeObject;
}

/** The API server repeats a value that it cannot read: of a Secret nobody is to see it. */
function withoutSecrets(response: KubeResponse, { kind, data, stringData }: Manifest): KubeResponse {
  if (kind !== "Secret") return response;
  const values = [data, stringData].flatMap((map) => Object.values(map ?? {}));
  const body = values
    .map((value) => (typeof value === "string" ? value : JSON.stringify(value)))
    .filter((value) => value)
    .reduce((text, value) => text.replaceAll(value, "…"), response.body);
  return { ...response, body };
}

/** Waits until the definitions of a stage are served, so that their resources can be applied in a later one. */
async function definitionsEstablished(
  client: KubeClient,
  stage: readonly Manifest[],
  resources: ResourceMap,
  { settleMs, signal }: { settleMs: number; signal: AbortSignal | undefined },
): Promise<void> {
  const names = namesOf(stage, "CustomResourceDefinition");
  if (names.length === 0) return;
  await waitForObjects(crdsEstablished(names), client, {
    timeoutMs: settleMs,
    ...(signal === undefined ? {} : { signal }),
  });
  for (const object of stage) {
    if (object.kind === "CustomResourceDefinition")
      resources.learn(definedResources(object as unknown as CustomResourceDefinition));
  }
}

const namesOf = (objects: readonly Manifest[], kind: string): string[] =>
  objects.filter((object) => object.kind === kind).map((object) => object.metadata.name);

function checkApplicable(object: Manifest): void {
  if (!object.apiVersion || !object.kind || !object.metadata?.name) {
    throw new SlipwayError("CONFIG_INVALID", `${describeObject(object)} cannot be applied`, {
      hint: "an object needs apiVersion, kind and metadata.name (generateName does not do)",
    });
  }
}
