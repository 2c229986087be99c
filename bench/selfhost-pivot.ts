import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type CallerKind, type CallReport, callApi } from "./api-callers.js";
import { type BenchHome, seconds } from "./home.js";
import { round } from "./stats.js";

export interface PivotGap {
  failedCalls: number;
  longestSilenceMs: number;
  toldToRetry: number;
  callers: Record<CallerKind, CallReport>;
}

/** Starts a self-hosted cluster while clients call its API every 10 ms, from its first answer to the end of the pivot. */
export async function pivotGap(home: BenchHome, profile: string, flags: string[]): Promise<PivotGap> {
  const kubeconfig = home.profileFile(profile, "kubeconfig");
  const starting = home.slipway(["start", "-p", profile, "--bootstrapper", "selfhosted", ...flags]);
  while (!existsSync(kubeconfig)) {
    // A start that fails before is the error to see.
    await Promise.race([starting, delay(20)]);
  }
  const callers = callApi(await readFile(kubeconfig, "utf8"));
  try {
    await starting;
  } finally {
    await callers.stop();
  }
  return summary(callers.reports);
}

/** What clients that call every 10 ms see while something is done to a cluster. */
export async function gapMeanwhile(
  kubeconfig: string,
  work: () => Promise<unknown>,
): Promise<PivotGap & { seconds: number }> {
  const callers = callApi(kubeconfig);
  await callers.started;
  let took: number;
  try {
    took = await seconds(work);
  } finally {
    await callers.stop();
  }
  return { seconds: round(took), ...summary(callers.reports) };
}

function summary(callers: Record<CallerKind, CallReport>): PivotGap {
  const all = Object.values(callers);
  return {
    failedCalls: all.reduce((sum, { failedCalls }) => sum + failedCalls, 0),
    longestSilenceMs: Math.max(...all.map(({ longestSilenceMs }) => longestSilenceMs)),
    toldToRetry: all.reduce((sum, { toldToRetry }) => sum + toldToRetry, 0),
    callers,
  };
}
