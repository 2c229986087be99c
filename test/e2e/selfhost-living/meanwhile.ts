import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import { callApi } from "../../../bench/api-callers.js";
import type { SelfhostStatus } from "../../../src/cluster/selfhost/status.js";
import type { TestHome } from "../harness.js";

export const statusOf = async (home: TestHome, profile: string): Promise<SelfhostStatus> =>
  JSON.parse(
    (await home.slipway(["selfhost", "status", "-p", profile, "-o", "json"], { allowFailure: true })).stdout,
  );

/** Runs a command while clients call the API every 10 ms. @returns what they saw but good answers */
export async function failuresMeanwhile(home: TestHome, profile: string, args: string[]): Promise<string[]> {
  const callers = callApi(await readFile(home.profileFile(profile, "kubeconfig"), "utf8"));
  await callers.started;
  try {
    // Ended before the test is, so that what it said last is seen.
    await home.slipway(args, { timeoutMs: 280_000 });
  } finally {
    await callers.stop();
  }
  const reports = Object.entries(callers.reports);
  for (const [, { calls }] of reports) expect(calls).toBeGreaterThan(50);
  return reports.flatMap(([kind, { failures }]) =>
    Object.entries(failures).map(([seen, count]) => `${kind}: ${count} × ${seen}`),
  );
}
