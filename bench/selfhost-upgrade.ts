import { readFile } from "node:fs/promises";
import { defaultKubernetesVersion } from "../src/components/catalog.js";
import type { BenchHome } from "./home.js";
import { gapMeanwhile, type PivotGap } from "./selfhost-pivot.js";

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
  const kubeconfig = await readFile(home.profileFile(profile, "kubeconfig"), "utf8");
  const upgrade = ["selfhost", "upgrade", "-p", profile, "--to", defaultKubernetesVersion];
  const gap = await gapMeanwhile(kubeconfig, () => home.slipway(upgrade));
  await home.slipway(["delete", "-p", profile]);
  return { from, to: defaultKubernetesVersion, ...gap };
}
