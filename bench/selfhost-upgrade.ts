import { readFile } from "node:fs/promises";
import { defaultKubernetesVersion } from "../src/components/catalog.js";
import { callApi } from "./api-callers.js";
import { type BenchHome, seconds } from "./home.js";
import { type PivotGap, summary } from "./selfhost-pivot.js";
import { round } from "./stats.js";

export interface UpgradeGap extends PivotGap {
  from: string;
  to: string;
  seconds: number;
}

const from = "v1.35.4";

/** Upgrades a self-hosted cluster, kubelet and all, while clients call its API every 10 ms. */
export async function upgradeGap(home: BenchHome, profile: string): Promise<UpgradeGap> {
  const start = ["start", "-p", profile, "--bootstrapper", "selfhosted", "--kubernetes-version", from];
  await home.slipway(start);
  const callers = callApi(await readFile(home.profileFile(profile, "kubeconfig"), "utf8"));
  await callers.started;
  let took: number;
  try {
    const upgrade = ["selfhost", "upgrade", "-p", profile, "--to", defaultKubernetesVersion];
    took = await seconds(() => home.slipway(upgrade));
  } finally {
    await callers.stop();
  }
  await home.slipway(["delete", "-p", profile]);
  return { from, to: defaultKubernetesVersion, seconds: round(took), ...summary(callers.reports) };
}
