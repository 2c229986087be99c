import { join } from "node:path";
import type { Context } from "../base/context.js";
import { isSlipwayError, messageOf, SlipwayError } from "../base/errors.js";
import { fanOutSignal } from "../base/fan-out.js";
import type { HeldLock } from "../base/lock.js";
import { Scope } from "../base/scope.js";
import { findComponent } from "./catalog.js";
import type { Component } from "./catalog-entry.js";
import type { StoredComponent } from "./component.js";
import { limit } from "./limit.js";
import { lookUpAll, lookUpCurrent, someOf, subjectOf } from "./look-up.js";
import { startProgress } from "./progress.js";
import { parallelBuilds } from "./sources/go-compile.js";
import { HttpClient } from "./sources/http.js";
import type { Source, SourceRun } from "./sources/source.js";
import { incomingDirectory, lockComponent, publish } from "./store.js";

/** Gets components that the store lacks from the first source that can give them. */
export async function fetchFrom(
  sources: readonly Source[],
  components: readonly Component[],
  caller: Context,
  http?: HttpClient,
): Promise<Map<string, StoredComponent>> {
  const context: Context = { ...caller, signal: fanOutSignal(caller.signal) };
  const sourceRun: SourceRun = {
    context,
    http: http ?? new HttpClient(context),
    downloads: limit(4),
    builds: limit(parallelBuilds()),
    ensure: async (refs) => {
      const found = new Map<string, StoredComponent>();
      const missing = await lookUpAll(refs.map(findComponent), found, context);
      for (const [name, stored] of await acquireAll(missing, sources, sourceRun)) found.set(name, stored);
      return found;
    },
  };
  return acquireAll(components, sources, sourceRun);
}

/**
 * Images and files side by side. An image's lock is always taken before the locks of the files it is made of, and files need
 * nothing else, so that processes cannot wait for each other in a circle.
 */
async function acquireAll(
  components: readonly Component[],
  sources: readonly Source[],
  sourceRun: SourceRun,
): Promise<Map<string, StoredComponent>> {
  const isImage = ({ entry }: Component) => entry.kind === "image";
  const parts = [components.filter(isImage), components.filter((component) => !isImage(component))];
  // Both to their end: what one of them got is kept, whatever the other says.
  const outcomes = await Promise.allSettled(parts.map((part) => acquire(part, sources, sourceRun)));
  sourceRun.context.signal.throwIfAborted();
  const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  if (failures.length > 0) throw failures.find((error) => isSlipwayError(error, "DISK_FULL")) ?? failures[0];
  return new Map(outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [...outcome.value] : [])));
}

/** A component that is being got: its lock, and what each source said so far. */
interface Pending {
  component: Component;
  lock: HeldLock;
  destination: string;
  refusals: { source: string; error: unknown }[];
}

async function acquire(
  components: readonly Component[],
  sources: readonly Source[],
  sourceRun: SourceRun,
): Promise<Map<string, StoredComponent>> {
  const { context } = sourceRun;
  const found = new Map<string, StoredComponent>();
  const pending: Pending[] = [];
  await using locks = new Scope();
  // In one order everywhere, as with every set of locks.
  for (const component of components.toSorted((a, b) => (subjectOf(a) < subjectOf(b) ? -1 : 1))) {
    const lock = locks.use(await lockComponent(component, context)); // releasing twice does no harm
    const stored = await lookUpCurrent(component, context);
    if (stored) {
      found.set(component.name, stored);
      await lock.release();
      continue;
    }
    const destination = join(await incomingDirectory(component, context), component.name);
    pending.push({ component, lock, destination, refusals: [] });
  }
  // All of them before the first begins: who reads knows how many there are.
  for (const { component } of pending) {
    startProgress({ subject: subjectOf(component), phase: "download", unit: "files" }, context).wait();
  }
  const outcomes = await Promise.allSettled(
    partition(pending, sources).map((part) => askSources(sources, part, found, sourceRun)),
  );
  context.signal.throwIfAborted();
  const left: Pending[] = [];
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") throw outcome.reason;
    left.push(...outcome.value);
  }
  if (left.length > 0) throw unavailable(left);
  return found;
}

/**
 * Splits what is pending into parts that no source gets together, so that one part need not wait for the slow sources of
 * another.
 */
export function partition<Item extends { component: Component }>(
  pending: readonly Item[],
  sources: readonly Source[],
): Item[][] {
  const parts: { keys: Set<string>; items: Item[] }[] = [];
  for (const item of pending) {
    const part = { keys: new Set<string>(), items: [item] };
    for (const [i, source] of sources.entries()) {
      const key = source.groupOf(item.component);
      if (key !== undefined) part.keys.add(`${i} ${key}`);
    }
    for (const other of parts.filter(({ keys }) => [...keys].some((key) => part.keys.has(key)))) {
      parts.splice(parts.indexOf(other), 1);
      for (const key of other.keys) part.keys.add(key);
      part.items.unshift(...other.items);
    }
    parts.push(part);
  }
  return parts.map(({ items }) => items);
}

/** @returns what no source gave. */
async function askSources(
  sources: readonly Source[],
  part: readonly Pending[],
  found: Map<string, StoredComponent>,
  sourceRun: SourceRun,
): Promise<readonly Pending[]> {
  let left = part;
  for (const source of sources) {
    if (left.length > 0) left = await askSource(source, left, found, sourceRun);
  }
  return left;
}

/** Asks one source for all that is pending, group by group, and stores what it gives. @returns what is still pending. */
async function askSource(
  source: Source,
  pending: readonly Pending[],
  found: Map<string, StoredComponent>,
  sourceRun: SourceRun,
): Promise<Pending[]> {
  const groups = new Map<string, Pending[]>();
  const left: Pending[] = [];
  for (const item of pending) {
    const key = source.groupOf(item.component);
    if (key === undefined) left.push(item);
    else groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  let full: unknown;
  await Promise.all(
    [...groups.values()].map(async (group) => {
      const waiting = new Set(group);
      try {
        const produced = await source.fetch(group, sourceRun);
        for (const [i, item] of group.entries()) {
          const { component, destination, lock } = item;
          const ref = { name: component.name, version: component.version };
          const stored = await publish(
            ref,
            component.entry.kind,
            destination,
            produced[i]!,
            sourceRun.context,
          );
          found.set(component.name, stored);
          waiting.delete(item);
          await lock.release();
        }
      } catch (error) {
        for (const item of waiting) item.refusals.push({ source: source.kind, error });
        left.push(...waiting);
        if (isSlipwayError(error, "DISK_FULL")) full = error;
      }
    }),
  );
  sourceRun.context.signal.throwIfAborted();
  if (full !== undefined) throw full;
  return left;
}

/** What each source said, once for all the components of which it said the same. */
function unavailable(pending: readonly Pending[]): SlipwayError {
  const byReasons = new Map<string, string[]>();
  for (const { component, refusals } of pending) {
    const text =
      refusals.map(({ source, error }) => `${source}: ${reasonOf(error)}`).join("; ") || "no source has it";
    byReasons.set(text, [...(byReasons.get(text) ?? []), subjectOf(component)]);
  }
  const hints = pending.flatMap(({ refusals }) =>
    refusals.flatMap(({ error }) => (isSlipwayError(error) && error.hint ? [error.hint] : [])),
  );
  return new SlipwayError(
    "COMPONENT_UNAVAILABLE",
    `no source could give ${someOf(pending.map((p) => subjectOf(p.component)))}`,
    {
      details: Object.fromEntries([...byReasons].map(([text, subjects]) => [subjects.join(", "), text])),
      hint:
        [...new Set(hints)].join("; ") ||
        "give a mirror (--binary-mirror, --image-repository) or a bundle, or see what each source said",
      cause: pending[0]?.refusals.at(-1)?.error,
    },
  );
}

/** An image that lacks its parts says why they are missing. */
const reasonOf = (error: unknown): string =>
  isSlipwayError(error, "COMPONENT_UNAVAILABLE") && Object.keys(error.details).length > 0
    ? `${error.message} (${Object.values(error.details).join("; ")})`
    : messageOf(error);
