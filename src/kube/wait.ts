import { systemClock } from "../base/clock.js";
import {
  type Condition,
  met,
  type Observation,
  unmet,
  type WaitOptions,
  waitFor,
} from "../base/condition.js";
import type { KubeClient, ObjectSelector } from "./client.js";
import { ObjectCache } from "./object-cache.js";
import type { KubeObject } from "./wire.js";

/** A condition on the objects of one collection: can be looked at once, or waited for with a watch. */
export interface ObjectCondition<T extends KubeObject> extends Condition<KubeClient> {
  select: ObjectSelector;
  /** What the objects say. Pure. */
  observe(objects: readonly T[]): Observation;
}

/** Makes the condition; looking once is one list. */
export const objectCondition = <T extends KubeObject>(
  name: string,
  select: ObjectSelector,
  observe: (objects: readonly T[]) => Observation,
): ObjectCondition<T> => ({
  name,
  select,
  observe,
  check: async (client, { signal }) => observe((await client.list<T>(select, { signal })).items),
});

/** How often a wait looks at the clock while nothing changes. */
const tickMs = 200;

/**
 * Waits for a condition on objects with one list and one watch: what the API server tells is seen when it happens, and
 * asked for only once. As `waitFor` otherwise: the same events, errors and time-outs.
 */
export async function waitForObjects<T extends KubeObject>(
  condition: ObjectCondition<T>,
  client: KubeClient,
  options: Omit<WaitOptions, "intervalMs">,
): Promise<void> {
  await using cache = new ObjectCache<T>(client, condition.select);
  const clock = options.clock ?? systemClock;
  const fromCache: Condition<undefined> = {
    name: condition.name,
    check: async () => {
      if (!cache.objects) return unmet(cache.problem ?? "no answer yet");
      const seen = condition.observe(cache.objects);
      return seen.met || cache.problem === undefined ? seen : unmet(cache.problem);
    },
  };
  await waitFor(fromCache, undefined, {
    ...options,
    intervalMs: tickMs,
    clock: { ...clock, sleep: (ms, signal) => cache.changed(ms, signal) },
  });
}

/**
 * Waits until one object is as the predicate says, and gives it back.
 *
 * @param path the object's: `/api/v1/nodes/demo-1`
 */
export async function waitForObject<T extends KubeObject>(
  client: KubeClient,
  path: string,
  predicate: (object: T) => boolean,
  options: Omit<WaitOptions, "intervalMs">,
): Promise<T> {
  const cut = path.lastIndexOf("/");
  const name = decodeURIComponent(path.slice(cut + 1));
  let found: T | undefined;
  const condition = objectCondition<T>(
    `${path} is as awaited`,
    { path: path.slice(0, cut), fieldSelector: `metadata.name=${name}` },
    ([object]) => {
      if (object === undefined) return unmet("there is no such object");
      found = object;
      return predicate(object) ? met() : unmet(`it is not, at version ${object.metadata?.resourceVersion}`);
    },
  );
  await waitForObjects(condition, client, options);
  return found as T;
}
