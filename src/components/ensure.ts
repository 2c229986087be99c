import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { findComponent } from "./catalog.js";
import type { ComponentRef, StoredComponent } from "./component.js";
import { lookUpAll, lookUpCurrent, subjectOf } from "./look-up.js";
import { offlineMissing } from "./offline.js";
import type { EnsureOptions } from "./options.js";
import { lookUp } from "./store.js";

/**
 * Gets components, from the store or from the first source that can give them, and gives back where they are, by name.
 * Components that are in the store cost two file system calls each.
 *
 * @throws {SlipwayError} `COMPONENT_UNKNOWN`; `OFFLINE_MISSING`; `COMPONENT_UNAVAILABLE`, saying for each component what each
 * source said; `DISK_FULL`.
 */
export async function ensureComponents(
  refs: readonly ComponentRef[],
  options: EnsureOptions,
  context: Context,
): Promise<Map<string, StoredComponent>> {
  const components = distinct(refs).map(findComponent);
  const found = new Map<string, StoredComponent>();
  // Offline, an image of an older recipe is better than none.
  const find = options.offline ? lookUp : lookUpCurrent;
  let missing = await lookUpAll(components, found, context, find);
  if (missing.length === 0) return found;
  if (options.bundle !== undefined) {
    const { loadBundle } = await import("./bundle.js");
    await loadBundle(options.bundle, context);
    missing = await lookUpAll(missing, found, context, find);
    if (missing.length === 0) return found;
  }
  if (options.offline) throw offlineMissing(missing.map(subjectOf));
  // Loaded only when something is missing: a start with everything in the store does not wait for them.
  const [{ fetchFrom }, { sourcesFor }] = await Promise.all([
    import("./acquire.js"),
    import("./sources/order.js"),
  ]);
  for (const [name, stored] of await fetchFrom(sourcesFor(options), missing, context))
    found.set(name, stored);
  return found;
}

/** @throws {SlipwayError} `USAGE` when a name is wanted at two versions: the result is by name. */
function distinct(refs: readonly ComponentRef[]): ComponentRef[] {
  const byName = new Map<string, ComponentRef>();
  for (const ref of refs) {
    const other = byName.get(ref.name);
    if (other && other.version !== ref.version) {
      throw new SlipwayError("USAGE", `${ref.name} was asked for at ${other.version} and at ${ref.version}`);
    }
    byName.set(ref.name, ref);
  }
  return [...byName.values()];
}
