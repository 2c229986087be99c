import { Agent, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeCredentials } from "../../../src/kube/credentials.js";

/** What became of calls to an API server, one every 100 ms. */
export interface Calls {
  calls: number;
  /** What was said of those that failed, in order. */
  failures: string[];
  /** Between two answers, at most. */
  longestSilenceMs: number;
}

/**
 * Calls an API server every 100 ms until it is stopped, as a client would: a call that has no answer after a second has failed,
 * and the next one is made.
 *
 * @param keepAlive whether calls share a connection, as those of client-go do; else each makes one of its own
 */
export function keepCalling(
  { server, caPem, certificatePem, privateKeyPem }: KubeCredentials,
  { keepAlive }: { keepAlive: boolean },
): { stop(): Promise<Calls> } {
  const agent = new Agent({ keepAlive, maxSockets: 1, ca: caPem, cert: certificatePem, key: privateKeyPem });
  const seen: Calls = { calls: 0, failures: [], longestSilenceMs: 0 };
  let lastAnswer = performance.now();
  let stopped = false;
  const call = () =>
    new Promise<void>((resolve, reject) => {
      const sent = request(`${server}/api/v1/namespaces/default`, { agent, timeout: 1000 }, (answer) => {
        answer.resume();
        answer.on("end", () =>
          answer.statusCode === 200 ? resolve() : reject(new Error(`status ${answer.statusCode}`)),
        );
        answer.on("error", reject);
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer in 1 s")));
      sent.on("error", reject);
      sent.end();
    });
  const loop = (async () => {
    while (!stopped) {
      const began = performance.now();
      seen.calls++;
      await call().then(
        () => {
          const now = performance.now();
          seen.longestSilenceMs = Math.max(seen.longestSilenceMs, Math.round(now - lastAnswer));
          lastAnswer = now;
        },
        (error: Error) => seen.failures.push(error.message),
      );
      await sleep(Math.max(0, 100 - (performance.now() - began)));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await loop;
      agent.destroy();
      return seen;
    },
  };
}
