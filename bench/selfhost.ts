import { ensureKubectl } from "../src/cluster/software.js";
import { defaultKubernetesVersion } from "../src/components/catalog.js";
import { BenchHome, seconds } from "./home.js";
import { KubeadmPeer } from "./kubeadm-peer.js";
import { type PivotGap, pivotGap } from "./selfhost-pivot.js";
import { median, round, type Spread, spread } from "./stats.js";
import { timeSteps, total } from "./steps.js";

const profile = "bench-selfhosted";

interface Result {
  /** From nothing to an app that answers by name. */
  ready: { seconds: Spread; units: Spread; kubeadm: Spread; ratio: number };
  pivot: { one: PivotGap };
}

/** A self-hosted control plane beside systemd units and `kubeadm init`, in turn in one run; and what clients see of the pivot. */
export async function benchSelfhost({
  json,
  runs = 3,
}: {
  json: boolean;
  runs: number | undefined;
}): Promise<void> {
  await using home = await BenchHome.create();
  const { context, directory, env } = home;
  const kubectl = await ensureKubectl(defaultKubernetesVersion, context);
  const kubeadm = new KubeadmPeer(context, directory, defaultKubernetesVersion);
  const log = (line: string) => console.error(line);

  const timed = async (command: () => Promise<unknown>, kubeconfig: string): Promise<number> =>
    total({ command: await seconds(command), ...(await timeSteps(kubectl, kubeconfig)) });
  const start = (bootstrapper: string) =>
    home.slipway(["start", "-p", profile, "--bootstrapper", bootstrapper, "--image", "agnhost"]);
  const remove = () => home.slipway(["delete", "-p", profile]);

  try {
    log("a run of each that does not count, which fetches what is missing …");
    await start("selfhosted");
    await remove();
    await kubeadm.prepare();
    await kubeadm.remove();

    const times = { selfhosted: [] as number[], units: [] as number[], kubeadm: [] as number[] };
    const gaps: PivotGap[] = [];
    for (let i = 1; i <= runs; i++) {
      for (const bootstrapper of ["selfhosted", "units"] as const) {
        times[bootstrapper].push(await timed(() => start(bootstrapper), env.KUBECONFIG));
        await remove();
      }
      await kubeadm.prepare();
      times.kubeadm.push(await timed(() => kubeadm.init(), kubeadm.kubeconfig));
      await kubeadm.remove();
      gaps.push(await pivotGap(home, profile, []));
      await remove();
      const last = Object.entries(times).map(([name, all]) => `${name} ${round(all.at(-1)!)} s`);
      const gap = gaps.at(-1)!;
      log(
        `run ${i} of ${runs}: ${last.join(", ")}; pivot: ${gap.failedCalls} failed calls, silence ${gap.longestSilenceMs} ms`,
      );
    }
    const result: Result = {
      ready: {
        seconds: spread(times.selfhosted),
        units: spread(times.units),
        kubeadm: spread(times.kubeadm),
        ratio: round(median(times.selfhosted.map((ours, i) => ours / times.kubeadm[i]!))),
      },
      pivot: { one: worst(gaps) },
    };
    if (json) console.log(JSON.stringify(result));
    else printTable(result);
  } finally {
    await kubeadm.remove().catch(() => {});
  }
}

/** The run in which clients saw most. */
const worst = (gaps: readonly PivotGap[]): PivotGap =>
  gaps.toSorted((a, b) => b.failedCalls - a.failedCalls || b.longestSilenceMs - a.longestSilenceMs)[0]!;

function printTable({ ready, pivot }: Result): void {
  const row = (name: string, value: string | number) => console.log(`${name.padEnd(44)}${value}`);
  const text = ({ min, median, max }: Spread) => `${median} (${min}–${max})`;
  row("self-hosted, app answers, s", text(ready.seconds));
  row("units, app answers, s", text(ready.units));
  row("kubeadm, app answers, s", text(ready.kubeadm));
  row("self-hosted of kubeadm's time", ready.ratio);
  row("pivot on one node: failed calls", pivot.one.failedCalls);
  row("pivot on one node: longest silence, ms", pivot.one.longestSilenceMs);
}
