import { setMaxListeners } from "node:events";

/**
 * Runs a task for each item, at most `limit` at a time, and gives back the results in the items' order. The first
 * failure aborts the signal that the other tasks got, and is thrown when all have ended.
 */
export async function concurrently<Item, Result>(
  items: readonly Item[],
  { limit, signal }: { limit: number; signal?: AbortSignal | undefined },
  task: (item: Item, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // every task may listen
  const onAbort = () => stop.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  const results: Result[] = new Array(items.length);
  const queue = items.entries();
  let failed = false;
  let failure: unknown;
  const worker = async () => {
    for (const [index, item] of queue) {
      if (stop.signal.aborted) return;
      try {
        results[index] = await task(item, stop.signal);
      } catch (error) {
        if (!failed) failure = error;
        failed = true;
        stop.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  signal?.removeEventListener("abort", onAbort);
  signal?.throwIfAborted();
  if (failed) throw failure;
  return results;
}
