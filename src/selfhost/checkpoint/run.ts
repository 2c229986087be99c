import { setTimeout as delay } from "node:timers/promises";
import { isSlipwayError, SlipwayError } from "../../base/errors.js";
import { acquireLock, type HeldLock } from "../../base/lock.js";
import { Checkpointer } from "./checkpointer.js";
import { connectRuntime } from "./container-runtime.js";
import { ControlPlaneApi } from "./control-plane-api.js";
import { type HealthCheck, serveHealth } from "./health.js";
import type { CheckpointerOptions } from "./options.js";

/** A worker that has not looked for this long is stuck. */
const stuckAfterMs = 60_000;
const lockWaitMs = 24 * 60 * 60 * 1000;

/**
 * The pod-checkpointer's process. On each node there are two, the DaemonSet's and its static copy; the one that has the lock
 * works, the other stands by and is ready to.
 *
 * @param healthPort undefined: no health endpoint
 * @throws the signal's reason when it is aborted; {@link SlipwayError} when the node's directories cannot be used
 */
export async function runCheckpointer(
  options: CheckpointerOptions,
  healthPort: number | undefined,
): Promise<never> {
  const { signal, log, clock } = options;
  const runtime = connectRuntime(options.runtimeEndpoint);
  const api = new ControlPlaneApi(options.kubeconfig, options.namespace, signal);
  let lookedMs: number | undefined;
  const check: HealthCheck = async () => {
    await api.client();
    await runtime.version();
    return lookedMs === undefined ? "standing by" : "working";
  };
  const work = async (): Promise<never> => {
    await using _ = await waitForLock(options);
    log({ level: "info", message: "working", node: options.nodeName, runtime: options.runtimeEndpoint });
    const checkpointer = new Checkpointer(options, runtime, api);
    await checkpointer.prepare();
    for (;;) {
      lookedMs = clock.monotonicMs();
      await checkpointer.look();
      await delay(options.intervalMs, undefined, { signal });
    }
  };
  const watchdog = new Watchdog(
    () => lookedMs !== undefined && clock.monotonicMs() - lookedMs > stuckAfterMs,
  );
  try {
    if (healthPort !== undefined) serveHealth(healthPort, check, signal);
    return await Promise.race([work(), watchdog.barked]);
  } finally {
    watchdog.stop();
    runtime.close();
    api.close();
  }
}

/** The static copy has no probes, and the other instance waits for the lock: whoever is stuck ends, and is started again. */
class Watchdog {
  readonly barked: Promise<never>;
  readonly #timer: NodeJS.Timeout;

  constructor(isStuck: () => boolean) {
    const { promise, reject } = withReject();
    this.barked = promise;
    this.#timer = setInterval(() => {
      if (isStuck()) reject(new SlipwayError("TIMED_OUT", "a look around took more than a minute"));
    }, 5_000).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function withReject(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<never>((_, fail) => {
    reject = fail;
  });
  return { promise, reject };
}

async function waitForLock({ lockFile, signal, log }: CheckpointerOptions): Promise<HeldLock> {
  for (;;) {
    try {
      return await acquireLock(lockFile, {
        what: "this node's checkpoints",
        waitMs: lockWaitMs,
        signal,
        onWait: (holder) =>
          log({ level: "info", message: "standing by", why: `${holder} works on this node` }),
      });
    } catch (error) {
      if (!isSlipwayError(error, "PROFILE_BUSY")) throw error;
    }
  }
}
