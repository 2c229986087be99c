import { readFile } from "node:fs/promises";
import type { BenchHome } from "./home.js";
import { gapMeanwhile, type PivotGap } from "./selfhost-pivot.js";

/** What clients of the first node's API server saw while control-plane nodes came or went. */
export interface ScaleGap extends PivotGap {
  /** `1 → 2` */
  step: string;
  seconds: number;
}

/** Brings a cluster from one control-plane node to three and back while clients call its first node's API server every 10 ms. */
export async function scaleGaps(
  home: BenchHome,
  { profile, bootstrapper }: { profile: string; bootstrapper: string },
  log: (gap: ScaleGap) => void,
): Promise<ScaleGap[]> {
  await home.slipway(["start", "-p", profile, "--bootstrapper", bootstrapper]);
  // That of one node stays good: its address is in the certificate later too.
  const kubeconfig = await readFile(home.profileFile(profile, "kubeconfig"), "utf8");
  const add = ["node", "add", "--control-plane", "-p", profile];
  const remove = (number: number) => ["node", "delete", `${profile}-m0${number}`, "-p", profile];
  const steps: [string, string[]][] = [
    ["1 → 2", add],
    ["2 → 3", add],
    ["3 → 2", remove(3)],
    ["2 → 1", remove(2)],
  ];
  const gaps: ScaleGap[] = [];
  for (const [step, args] of steps) {
    const gap = { step, ...(await gapMeanwhile(kubeconfig, () => home.slipway(args))) };
    log(gap);
    gaps.push(gap);
  }
  await home.slipway(["delete", "-p", profile]);
  return gaps;
}
