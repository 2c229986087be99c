import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../base/errors.js";
import type { KubeClient, ObjectSelector } from "./client.js";
import { statusOf } from "./failures.js";
import { watchObjects } from "./watch.js";
import type { KubeObject } from "./wire.js";

/**
 * The objects of a collection as they are now, kept up to date by one list and one watch for as long as it is open
 * (client-go calls it an informer). Errors do not end it: it says what it last saw, and tries again.
 */
export class ObjectCache<T extends KubeObject> implements AsyncDisposable {
  readonly #objects = new Map<string, T>();
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #listed = false;
  #problem: string | undefined;
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(client: KubeClient, select: ObjectSelector) {
    this.#done = this.#follow(client, select);
  }

  /** The objects; undefined before the first list came. */
  get objects(): T[] | undefined {
    return this.#listed ? [...this.#objects.values()] : undefined;
  }

  /** Why there is nothing newer just now; undefined while all is well. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Returns after a change since the last call, or after `timeoutMs`. */
  async changed(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (!this.#changed) {
      const enough = new AbortController();
      const wake = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const bound = signal ? AbortSignal.any([enough.signal, signal]) : enough.signal;
      await Promise.race([wake, delay(timeoutMs, undefined, { signal: bound }).catch(() => {})]);
      enough.abort();
      signal?.throwIfAborted();
    }
    this.#changed = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("closed"));
    await this.#done;
  }

  async #follow(client: KubeClient, select: ObjectSelector): Promise<void> {
    const signal = this.#stop.signal;
    let resourceVersion: string | undefined;
    for (let delayMs = 20; !signal.aborted; delayMs = Math.min(delayMs * 2, 500)) {
      try {
        resourceVersion ??= await this.#list(client, select, signal);
        for await (const event of watchObjects<T>(client, select, { resourceVersion, signal })) {
          resourceVersion = event.object.metadata?.resourceVersion ?? resourceVersion;
          if (event.type === "BOOKMARK") continue;
          const key = keyOf(event.object);
          if (event.type === "DELETED") this.#objects.delete(key);
          else this.#objects.set(key, event.object);
          delayMs = 20;
          this.#notify(undefined);
        }
      } catch (error) {
        if (signal.aborted) return;
        // Gone (410): the version is too old to go on from, so look at everything again.
        if (statusOf(error) !== undefined) resourceVersion = undefined;
        this.#notify(messageOf(error));
      }
      await delay(delayMs, undefined, { signal }).catch(() => {});
    }
  }

  async #list(client: KubeClient, select: ObjectSelector, signal: AbortSignal): Promise<string> {
    const { items, resourceVersion } = await client.list<T>(select, { signal });
    this.#objects.clear();
    for (const item of items) this.#objects.set(keyOf(item), item);
    this.#listed = true;
    this.#notify(undefined);
    return resourceVersion;
  }

  #notify(problem: string | undefined): void {
    this.#problem = problem;
    this.#changed = true;
    this.#wake?.();
  }
}

const keyOf = ({ metadata }: KubeObject) => `${metadata?.namespace ?? ""}/${metadata?.name ?? ""}`;
