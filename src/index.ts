import { discardEvents, type EventSink } from "./base/events.js";
import { createContext } from "./cli/context.js";
import { type Cluster, type CreateClusterOptions, createClusterIn } from "./cluster/create-cluster.js";

export { type ErrorCode, SlipwayError } from "./base/errors.js";
export type { EventBody, EventSink } from "./base/events.js";
export type { RunOptions, RunResult } from "./base/run.js";
export type { Cluster, CreateClusterOptions } from "./cluster/create-cluster.js";

/**
 * Starts a real Kubernetes cluster.
 *
 * @example
 * ```ts
 * await using cluster = await createCluster({ nodes: 2 });
 * const { stdout } = await cluster.kubectl(["get", "nodes"]);
 * ```
 * @throws {SlipwayError} with a stable `code` and a `hint`; the signal's reason when aborted. Nothing is left behind.
 */
export const createCluster = (
  options: CreateClusterOptions & { signal?: AbortSignal; onEvent?: EventSink } = {},
): Promise<Cluster> => {
  const { signal = new AbortController().signal, onEvent = discardEvents, ...rest } = options;
  return createClusterIn(rest, createContext(onEvent, signal).context);
};
