import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import { type CallReport, callApi } from "../../../bench/api-callers.js";
import type { SelfhostStatus } from "../../../src/cluster/selfhost/status.js";
import type { TestHome } from "../harness.js";

export const statusOf = async (home: TestHome, profile: string): Promise<SelfhostStatus> =>
  JSON.parse(
    (await home.slipway(["selfhost", "status", "-p", profile, "-o", "json"], { allowFailure: true })).stdout,
  );

/** Does something while clients call the API every 10 ms. @returns what they saw */
export async function callsMeanwhile(
  home: TestHome,
  profile: string,
  work: () => Promise<unknown>,
): Promise<Record<string, CallReport>> {
  const callers = callApi(await readFile(home.profileFile(profile, "kubeconfig"), "utf8"));
  await callers.started;
  try {
    await work();
  } finally {
    await callers.stop();
  }
  for (const { calls } of Object.values(callers.reports)) expect(calls).toBeGreaterThan(50);
  return callers.reports;
}

/** What they saw but good answers. */
export const failuresOf = (reports: Record<string, CallReport>): string[] =>
  Object.entries(reports).flatMap(([kind, { failures }]) =>
    Object.entries(failures).map(([seen, count]) => `${kind}: ${count} × ${seen}`),
  );

/** Runs a command while clients call the API every 10 ms. @returns what they saw but good answers */
export const failuresMeanwhile = async (home: TestHome, profile: string, args: string[]): Promise<string[]> =>
  // Ended before the test is, so that what it said last is seen.
  failuresOf(await callsMeanwhile(home, profile, () => home.slipway(args, { timeoutMs: 280_000 })));
