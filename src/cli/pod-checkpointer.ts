import { parseArgs } from "node:util";
import { systemClock } from "../base/clock.js";
import { messageOf, SlipwayError } from "../base/errors.js";
import { checkpointerName } from "../plan/selfhosted/checkpointer.js";
import type { CheckpointerOptions, LogEntry } from "../selfhost/checkpoint/options.js";
import { defaultDataSettleMs } from "../selfhost/checkpoint/promotion.js";
import { runCheckpointer } from "../selfhost/checkpoint/run.js";

/**
 * The pod-checkpointer, a program of its own: keeps static copies of a node's control-plane pods and runs them when the
 * originals are gone. One line of JSON on standard output for each thing that it does.
 */

const flags = {
  kubeconfig: { type: "string", default: "/etc/pod-checkpointer/kubeconfig" },
  directory: { type: "string", default: "/etc/kubernetes" },
  "runtime-endpoint": { type: "string", default: "unix:///run/containerd/containerd.sock" },
  "lock-file": { type: "string", default: "/run/lock/pod-checkpointer.lock" },
  /** 0: no health endpoint. */
  "health-port": { type: "string", default: "0" },
  self: { type: "string", default: checkpointerName },
  interval: { type: "string", default: "3s" },
  "promote-after": { type: "string", default: "15s" },
  "data-settle": { type: "string", default: `${defaultDataSettleMs / 1000}s` },
  "activate-after": { type: "string", default: "10s" },
  "abandoned-after": { type: "string", default: "3s" },
  "grace-period": { type: "string", default: "1m" },
  "retry-after": { type: "string", default: "30s" },
  /** 0: rollouts are left alone. */
  "rollback-after": { type: "string", default: "2m" },
  "max-rollbacks": { type: "string", default: "2" },
} as const;

type Values = Record<keyof typeof flags, string>;

function log({ level, message, ...fields }: LogEntry): void {
  console.log(JSON.stringify({ time: new Date().toISOString(), level, message, ...fields }));
}

function durationMs(flag: keyof Values, values: Values): number {
  const [, digits, unit] = /^(\d+)(ms|s|m|h)?$/.exec(values[flag]) ?? [];
  if (digits === undefined || (unit === undefined && digits !== "0"))
    throw usage(`--${flag} is not a duration: ${values[flag]} (30s, 2m)`);
  return Number(digits) * ({ ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[unit ?? "ms"] ?? 1);
}

function wholeNumber(flag: keyof Values, values: Values): number {
  if (!/^\d{1,5}$/.test(values[flag])) throw usage(`--${flag} is not a whole number: ${values[flag]}`);
  return Number(values[flag]);
}

function environment(name: string): string {
  const value = process.env[name];
  if (!value) throw usage(`the environment has no ${name}: give it by the downward API`);
  return value;
}

const usage = (message: string) => new SlipwayError("USAGE", message);

function readOptions(signal: AbortSignal): { options: CheckpointerOptions; healthPort: number | undefined } {
  let values: Values;
  try {
    values = parseArgs({ options: flags, strict: true }).values as Values;
  } catch (error) {
    throw usage(messageOf(error));
  }
  const port = wholeNumber("health-port", values);
  const isCopy = (process.env.CHECKPOINT_OF ?? "") !== "";
  return {
    // Both instances are on the node's network; the port is the DaemonSet's.
    healthPort: port === 0 || isCopy ? undefined : port,
    options: {
      directory: values.directory,
      kubeconfig: values.kubeconfig,
      runtimeEndpoint: values["runtime-endpoint"],
      lockFile: values["lock-file"],
      namespace: environment("POD_NAMESPACE"),
      nodeName: environment("NODE_NAME"),
      selfName: values.self,
      intervalMs: durationMs("interval", values),
      promoteAfterMs: durationMs("promote-after", values),
      dataSettleMs: durationMs("data-settle", values),
      activateAfterMs: durationMs("activate-after", values),
      abandonedAfterMs: durationMs("abandoned-after", values),
      graceMs: durationMs("grace-period", values),
      retryAfterMs: durationMs("retry-after", values),
      rollbackAfterMs: durationMs("rollback-after", values),
      maxRollbacks: wholeNumber("max-rollbacks", values),
      clock: systemClock,
      log,
      signal,
    },
  };
}

async function main(): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      stop.abort(new Error(signal));
      // Whatever is under way on the disk is done in one rename, or was not.
      setTimeout(() => process.exit(0), 500).unref();
    });
  }
  try {
    const { options, healthPort } = readOptions(stop.signal);
    await runCheckpointer(options, healthPort);
  } catch (error) {
    if (stop.signal.aborted) {
      log({ level: "info", message: "ended", why: messageOf(stop.signal.reason) });
      process.exit(0);
    }
    log({ level: "error", message: "cannot go on", why: messageOf(error) });
    process.exit(error instanceof SlipwayError ? error.exitCode : 1);
  }
}

void main();
