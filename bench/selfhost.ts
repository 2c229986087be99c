import { ensureKubectl } from "../src/cluster/software.js";
import { defaultKubernetesVersion } from "../src/components/catalog.js";
import { BenchHome } from "./home.js";
import { type Reboot, type Recovery, reboot, recoveries } from "./selfhost-losses.js";
import { type PivotGap, pivotGap } from "./selfhost-pivot.js";
import { type Ready, timeReady } from "./selfhost-ready.js";
import { type ScaleGap, scaleGaps } from "./selfhost-scale.js";
import { type UpgradeGap, upgradeGap } from "./selfhost-upgrade.js";
import { median, round, type Spread } from "./stats.js";

const profile = "bench-selfhosted";

export const selfhostParts = ["ready", "pivot", "reboot", "upgrade", "scale", "recover"] as const;

interface Figures {
  ready?: Ready;
  /** The run in which clients saw most, by the number of control-plane nodes. */
  pivot?: { one: PivotGap; three: PivotGap };
  reboot?: { selfhosted: Reboot; units: Reboot };
  upgrade?: UpgradeGap;
  scale?: { selfhosted: ScaleGap[]; units: ScaleGap[] };
  recover?: Recovery;
}

/** Losses of a cluster in one run. */
const losses = 20;

/**
 * A self-hosted control plane beside systemd units and `kubeadm init`, in turn in one run; what clients see of the pivot, of an
 * upgrade, and of control-plane nodes that come and go; how long a reboot and the recovery from a total loss take.
 */
export async function benchSelfhost({
  json,
  runs = 3,
  parts,
}: {
  json: boolean;
  runs: number | undefined;
  parts: ReadonlySet<string>;
}): Promise<void> {
  await using home = await BenchHome.create();
  const version = defaultKubernetesVersion;
  const kubectl = await ensureKubectl(version, home.context);
  const log = (line: string) => console.error(line);
  const figures: Figures = {};
  if (parts.has("ready")) figures.ready = await timeReady(home, { kubectl, profile, version, runs }, log);
  if (parts.has("pivot")) {
    const gap = (flags: string[]) => worstPivot(home, flags, runs, log);
    figures.pivot = { one: await gap([]), three: await gap(["--control-planes", "3"]) };
  }
  if (parts.has("reboot")) {
    const rebooted = (bootstrapper: string) => usualReboot(home, { kubectl, bootstrapper, runs }, log);
    figures.reboot = { selfhosted: await rebooted("selfhosted"), units: await rebooted("units") };
  }
  if (parts.has("upgrade")) {
    figures.upgrade = await upgradeGap(home, profile);
    log(`upgrade: ${figures.upgrade.seconds} s, ${gapText(figures.upgrade)}`);
  }
  if (parts.has("scale")) {
    const gaps = (bootstrapper: string) =>
      scaleGaps(home, { profile, bootstrapper }, (gap) =>
        log(`scale, ${bootstrapper}, ${gap.step}: ${gap.seconds} s, ${gapText(gap)}`),
      );
    figures.scale = { selfhosted: await gaps("selfhosted"), units: await gaps("units") };
  }
  if (parts.has("recover")) figures.recover = await recoveries(home, { kubectl, profile, losses }, log);
  if (json) console.log(JSON.stringify(figures));
  else printTable(figures);
}

async function worstPivot(
  home: BenchHome,
  flags: string[],
  runs: number,
  log: (line: string) => void,
): Promise<PivotGap> {
  const gaps: PivotGap[] = [];
  for (let i = 1; i <= runs; i++) {
    const gap = await pivotGap(home, profile, flags);
    await home.slipway(["delete", "-p", profile]);
    log(["pivot", ...flags, `run ${i} of ${runs}:`, gapText(gap)].join(" "));
    gaps.push(gap);
  }
  return gaps.toSorted(
    (a, b) => b.failedCalls - a.failedCalls || b.longestSilenceMs - a.longestSilenceMs,
  )[0]!;
}

async function usualReboot(
  home: BenchHome,
  { kubectl, bootstrapper, runs }: { kubectl: string; bootstrapper: string; runs: number },
  log: (line: string) => void,
): Promise<Reboot> {
  const reboots: Reboot[] = [];
  for (let i = 1; i <= runs; i++) {
    const took = await reboot(home, { kubectl, profile, bootstrapper });
    log(`reboot, ${bootstrapper}: API ${took.apiSeconds} s, app ${took.appSeconds} s`);
    reboots.push(took);
  }
  return {
    apiSeconds: round(median(reboots.map(({ apiSeconds }) => apiSeconds))),
    appSeconds: round(median(reboots.map(({ appSeconds }) => appSeconds))),
  };
}

const gapText = ({ failedCalls, longestSilenceMs }: PivotGap): string =>
  `${failedCalls} failed calls, longest silence ${longestSilenceMs} ms`;

function printTable({ ready, pivot, reboot: reboots, upgrade, scale, recover }: Figures): void {
  const row = (name: string, value: string | number) => console.log(`${name.padEnd(44)}${value}`);
  const text = ({ min, median: middle, max }: Spread) => `${middle} (${min}–${max})`;
  if (ready) {
    row("self-hosted, app answers, s", text(ready.selfhosted));
    row("units, app answers, s", text(ready.units));
    row("kubeadm, app answers, s", text(ready.kubeadm));
    row("self-hosted of kubeadm's time", ready.ratio);
  }
  if (pivot) {
    row("pivot on one node", gapText(pivot.one));
    row("pivot on three nodes", gapText(pivot.three));
  }
  for (const [name, { apiSeconds, appSeconds }] of Object.entries(reboots ?? {}))
    row(`reboot, ${name}: API, app, s`, `${apiSeconds}, ${appSeconds}`);
  if (upgrade) row(`upgrade ${upgrade.from} → ${upgrade.to}, ${upgrade.seconds} s`, gapText(upgrade));
  for (const [name, gaps] of Object.entries(scale ?? {}))
    for (const gap of gaps) row(`${name}, ${gap.step} control planes, ${gap.seconds} s`, gapText(gap));
  if (recover) {
    row("total losses recovered", `${recover.recovered} of ${recover.tried}`);
    row("loss to an app that answers, s", text(recover.spread));
  }
}
