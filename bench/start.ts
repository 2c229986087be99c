import { setTimeout as delay } from "node:timers/promises";
import { ensureKubectl } from "../src/cluster/software.js";
import { defaultKubernetesVersion } from "../src/components/catalog.js";
import { BenchHome, seconds } from "./home.js";
import { KubeadmPeer } from "./kubeadm-peer.js";
import { clusterUsage, watchPeak } from "./resources.js";
import { median, round, type Spread, spread } from "./stats.js";
import { type StepName, type StepSeconds, stepNames, timeSteps, total } from "./steps.js";

interface Run {
  steps: StepSeconds;
  cpuSeconds: number;
  peakMiB: number;
}

interface Figures {
  totalSeconds: Spread;
  steps: Record<StepName, number>;
  cpuSeconds: number;
  peakMiB: number;
  idleCpuPercent: number;
  memoryMiB: number;
}

const profile = "bench-slipway";
const idleSeconds = 60;

/**
 * From nothing to an app that answers by name: slipway, and kubeadm on a node of the same image, in turn, each run a
 * fresh cluster, all components and images on disk. Also stop → start, and what a cluster costs that idles.
 */
export async function benchStart({
  json,
  runs = 5,
}: {
  json: boolean;
  runs: number | undefined;
}): Promise<void> {
  await using home = await BenchHome.create();
  const { context, directory, env } = home;
  const slipway = (...args: string[]) => home.slipway(args);
  const kubectl = await ensureKubectl(defaultKubernetesVersion, context);
  const kubeadm = new KubeadmPeer(context, directory, defaultKubernetesVersion);
  const log = (line: string) => console.error(line);

  const timeSlipway = async (): Promise<Run> => {
    const stopWatching = watchPeak(profile);
    const command = await seconds(() => slipway("start", "-p", profile, "--image", "agnhost"));
    const steps = { command, ...(await timeSteps(kubectl, env.KUBECONFIG)) };
    return { steps, cpuSeconds: (await clusterUsage(profile)).cpuSeconds, peakMiB: stopWatching() };
  };
  const timeKubeadm = async (): Promise<Run> => {
    await kubeadm.prepare();
    const before = (await clusterUsage(kubeadm.cluster)).cpuSeconds;
    const stopWatching = watchPeak(kubeadm.cluster);
    const command = await seconds(() => kubeadm.init());
    const steps = { command, ...(await timeSteps(kubectl, kubeadm.kubeconfig)) };
    return {
      steps,
      cpuSeconds: (await clusterUsage(kubeadm.cluster)).cpuSeconds - before,
      peakMiB: stopWatching(),
    };
  };
  const idle = async (cluster: string) => {
    await delay(idleSeconds * 1000);
    const first = await clusterUsage(cluster);
    await delay(20_000);
    const last = await clusterUsage(cluster);
    return {
      idleCpuPercent: round(((last.cpuSeconds - first.cpuSeconds) / 20) * 100, 1),
      memoryMiB: Math.round(last.residentMiB),
    };
  };

  try {
    log("a run of each that does not count, which fetches what is missing …");
    await slipway("start", "-p", profile, "--image", "agnhost");
    await slipway("delete", "-p", profile);
    await kubeadm.prepare();
    await kubeadm.remove();

    const slipwayRuns: Run[] = [];
    const kubeadmRuns: Run[] = [];
    const again: number[] = [];
    const idleFigures: Record<string, Awaited<ReturnType<typeof idle>>> = {};
    for (let i = 1; i <= runs; i++) {
      const ours = await timeSlipway();
      slipwayRuns.push(ours);
      if (i === runs) idleFigures.slipway = await idle(profile);
      await slipway("stop", "-p", profile);
      const started = performance.now();
      await slipway("start", "-p", profile);
      const steps = await timeSteps(kubectl, env.KUBECONFIG);
      again.push((performance.now() - started) / 1000);
      await slipway("delete", "-p", profile);
      const theirs = await timeKubeadm();
      kubeadmRuns.push(theirs);
      if (i === runs) idleFigures.kubeadm = await idle(kubeadm.cluster);
      await kubeadm.remove();
      log(
        `run ${i} of ${runs}: slipway ${round(total(ours.steps))} s, kubeadm ${round(total(theirs.steps))} s, stop → start ${round(again.at(-1)!)} s (DNS ${round(steps.dnsAnswering)} s)`,
      );
    }
    const result = {
      slipway: figures(slipwayRuns, idleFigures.slipway!),
      kubeadm: figures(kubeadmRuns, idleFigures.kubeadm!),
      ratio: round(median(slipwayRuns.map((ours, i) => total(ours.steps) / total(kubeadmRuns[i]!.steps)))),
      restart: {
        totalSeconds: spread(again),
        ratio: round(median(again.map((value, i) => value / total(slipwayRuns[i]!.steps)))),
      },
    };
    if (json) console.log(JSON.stringify(result));
    else printTable(result);
  } finally {
    await kubeadm.remove().catch(() => {});
  }
}

const figures = (runs: Run[], idle: { idleCpuPercent: number; memoryMiB: number }): Figures => ({
  totalSeconds: spread(runs.map(({ steps }) => total(steps))),
  steps: Object.fromEntries(
    stepNames.map((name) => [name, round(median(runs.map(({ steps }) => steps[name])))]),
  ) as Record<StepName, number>,
  cpuSeconds: round(median(runs.map(({ cpuSeconds }) => cpuSeconds)), 1),
  peakMiB: Math.max(...runs.map(({ peakMiB }) => peakMiB)),
  ...idle,
});

function printTable(result: {
  slipway: Figures;
  kubeadm: Figures;
  ratio: number;
  restart: { totalSeconds: Spread; ratio: number };
}): void {
  const row = (name: string, of: (figures: Figures) => string | number) =>
    console.log(
      `${name.padEnd(26)}${String(of(result.slipway)).padStart(12)}${String(of(result.kubeadm)).padStart(12)}`,
    );
  console.log(`${"".padEnd(26)}${"slipway".padStart(12)}${"kubeadm".padStart(12)}`);
  for (const name of stepNames) row(`${name}, s`, ({ steps }) => steps[name]);
  row("total, s (median)", ({ totalSeconds }) => totalSeconds.median);
  row("total, s (min–max)", ({ totalSeconds }) => `${totalSeconds.min}–${totalSeconds.max}`);
  row("CPU, s", ({ cpuSeconds }) => cpuSeconds);
  row("peak memory, MiB", ({ peakMiB }) => peakMiB);
  row("idle CPU, % of a core", ({ idleCpuPercent }) => idleCpuPercent);
  row("idle memory, MiB", ({ memoryMiB }) => memoryMiB);
  console.log(`\nslipway takes ${result.ratio} of kubeadm's time (median of the pairs)`);
  console.log(
    `stop → start → app answers: ${result.restart.totalSeconds.median} s, ${result.restart.ratio} of a fresh start`,
  );
}
