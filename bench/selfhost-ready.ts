import { type BenchHome, seconds } from "./home.js";
import { KubeadmPeer } from "./kubeadm-peer.js";
import { median, round, type Spread, spread } from "./stats.js";
import { timeSteps, total } from "./steps.js";

/** Seconds from nothing to an app that answers by its name. */
export interface Ready {
  /** Median. */
  seconds: number;
  /** Of kubeadm's time, median of the runs. */
  ratio: number;
  selfhosted: Spread;
  units: Spread;
  kubeadm: Spread;
}

/** A self-hosted control plane, one of systemd units, and `kubeadm init`, in turn, each a fresh cluster. */
export async function timeReady(
  home: BenchHome,
  options: { kubectl: string; profile: string; version: string; runs: number },
  log: (line: string) => void,
): Promise<Ready> {
  const { kubectl, profile, version, runs } = options;
  const kubeadm = new KubeadmPeer(home.context, home.directory, version);
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
    for (let i = 1; i <= runs; i++) {
      for (const bootstrapper of ["selfhosted", "units"] as const) {
        times[bootstrapper].push(await timed(() => start(bootstrapper), home.env.KUBECONFIG));
        await remove();
      }
      await kubeadm.prepare();
      times.kubeadm.push(await timed(() => kubeadm.init(), kubeadm.kubeconfig));
      await kubeadm.remove();
      const last = Object.entries(times).map(([name, all]) => `${name} ${round(all.at(-1)!)} s`);
      log(`run ${i} of ${runs}: ${last.join(", ")}`);
    }
    return {
      seconds: round(median(times.selfhosted)),
      ratio: round(median(times.selfhosted.map((ours, i) => ours / times.kubeadm[i]!))),
      selfhosted: spread(times.selfhosted),
      units: spread(times.units),
      kubeadm: spread(times.kubeadm),
    };
  } finally {
    await kubeadm.remove().catch(() => {});
  }
}
