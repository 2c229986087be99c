import { randomUUID } from "node:crypto";
import { hostDriver } from "../src/cluster/driver.js";
import { type BenchHome, seconds } from "./home.js";
import { median, round, type Spread, spread } from "./stats.js";
import { appAnswers, kubectlOf, timeSteps, timeUntil } from "./steps.js";

export interface Recovery {
  /** Median, from the command to an app that answers by its name, data and all. */
  seconds: number;
  spread: Spread;
  tried: number;
  recovered: number;
}

const mark = ["configmap", "mark"];

/**
 * Loses a self-hosted cluster again and again: its machine is destroyed, and made anew from the last snapshot by `selfhost
 * recover`. Each loss has data of its own to bring back.
 */
export async function recoveries(
  home: BenchHome,
  { kubectl, profile, losses }: { kubectl: string; profile: string; losses: number },
  log: (line: string) => void,
): Promise<Recovery> {
  const once = kubectlOf(kubectl, home.env.KUBECONFIG);
  await home.slipway(["start", "-p", profile, "--bootstrapper", "selfhosted", "--image", "agnhost"]);
  await timeSteps(kubectl, home.env.KUBECONFIG);
  await timeUntil(() => once(["create", ...mark]));
  const times: number[] = [];
  for (let loss = 1; loss <= losses; loss++) {
    const text = randomUUID();
    const patch = JSON.stringify({ data: { text } });
    await timeUntil(() => once(["patch", ...mark, "--type=merge", "--patch", patch]));
    await home.slipway(["snapshot", "save", "-p", profile]);
    await hostDriver(home.context).delete(profile, profile);
    try {
      const command = await seconds(() => home.slipway(["selfhost", "recover", "-p", profile]));
      const app = await timeUntil(() => appAnswers(once));
      const wait = ["wait", `--for=jsonpath={.data.text}=${text}`, ...mark, "--timeout=1s"];
      if (!(await once(wait))) throw new Error("the data of before the loss are not there");
      times.push(command + app);
      log(`loss ${loss} of ${losses}: recovered in ${round(times.at(-1)!)} s`);
    } catch (error) {
      log(`loss ${loss} of ${losses}: NOT recovered: ${error instanceof Error ? error.message : error}`);
      // The next loss begins with a cluster again.
      await home.slipway(["selfhost", "recover", "-p", profile], { allowFailure: true });
    }
  }
  await home.slipway(["delete", "-p", profile]);
  if (times.length === 0) throw new Error("none of the losses was recovered");
  return { seconds: round(median(times)), spread: spread(times), tried: losses, recovered: times.length };
}

export interface Reboot {
  /** From the start of a machine that was off to an API server that is ready. */
  apiSeconds: number;
  /** The same, to an app that answers by its name. */
  appSeconds: number;
}

/** Switches a cluster's only machine off and on again. */
export async function reboot(
  home: BenchHome,
  { kubectl, profile, bootstrapper }: { kubectl: string; profile: string; bootstrapper: string },
): Promise<Reboot> {
  const once = kubectlOf(kubectl, home.env.KUBECONFIG);
  await home.slipway(["start", "-p", profile, "--bootstrapper", bootstrapper, "--image", "agnhost"]);
  await timeSteps(kubectl, home.env.KUBECONFIG);
  if (bootstrapper === "selfhosted") await timeUntil(() => isCheckpointed(home, profile));
  await home.slipway(["stop", "-p", profile]);
  const started = performance.now();
  const starting = home.slipway(["start", "-p", profile]);
  const ready = timeUntil(() => once(["get", "--raw", "/readyz", "--request-timeout=1s"]));
  const [, apiSeconds] = await Promise.all([starting, ready]);
  await timeUntil(() => appAnswers(once));
  const appSeconds = (performance.now() - started) / 1000;
  await home.slipway(["delete", "-p", profile]);
  return { apiSeconds: round(apiSeconds), appSeconds: round(appSeconds) };
}

/** A copy of each part of the control plane is on the node's disk: what a reboot lives on. */
async function isCheckpointed(home: BenchHome, profile: string): Promise<boolean> {
  const list = ["ssh", "-p", profile, "--", "ls /etc/kubernetes/inactive-manifests"];
  const { stdout } = await home.slipway(list, { allowFailure: true });
  return ["kube-apiserver", "kube-controller-manager", "kube-scheduler"].every((name) =>
    stdout.includes(name),
  );
}
