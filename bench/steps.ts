import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

/**
 * The steps of time-to-k8s (github.com/tstromberg/time-to-k8s), from the tool's own command to names that resolve in a
 * pod. Each is run until it succeeds, 10 ms between tries. Unlike there, failed tries and gaps count too.
 */
export const stepNames = [
  "command",
  "apiAnswering",
  "kubernetesService",
  "dnsService",
  "appRunning",
  "dnsAnswering",
] as const;
export type StepName = (typeof stepNames)[number];
export type StepSeconds = Record<StepName, number>;

/** Runs kubectl. @returns whether it succeeded */
export type TryKubectl = (args: string[], input?: string) => Promise<boolean>;

export const kubectlOf =
  (kubectl: string, kubeconfig: string): TryKubectl =>
  (args, input) =>
    runOnce(kubectl, ["--kubeconfig", kubeconfig, ...args], input);

const patienceMs = 180_000;
const app = "netcat";

const manifest = JSON.stringify({
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: app },
      spec: {
        selector: { matchLabels: { app } },
        template: {
          metadata: { labels: { app } },
          spec: {
            containers: [
              { name: app, image: "slipway.local/agnhost:2.63.0", args: ["netexec", "--http-port=8080"] },
            ],
          },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: app },
      spec: { selector: { app }, ports: [{ port: 8080 }] },
    },
  ],
});

/** Times all steps after the command. */
export async function timeSteps(kubectl: string, kubeconfig: string): Promise<Omit<StepSeconds, "command">> {
  const once = kubectlOf(kubectl, kubeconfig);
  return {
    apiAnswering: await timeUntil(() => once(["get", "pods", "--all-namespaces"])),
    kubernetesService: await timeUntil(() => once(["get", "service", "kubernetes"])),
    dnsService: await timeUntil(() => once(["get", "service", "kube-dns", "--namespace", "kube-system"])),
    appRunning: await timeUntil(
      () => once(["apply", "--filename", "-"], manifest),
      () => once(["exec", `deployment/${app}`, "--", "nc", "-z", "-w", "5", "localhost", "8080"]),
    ),
    dnsAnswering: await timeUntil(() => appAnswers(once)),
  };
}

/** The app's name resolves in a pod of it. */
export const appAnswers = (once: TryKubectl): Promise<boolean> =>
  once(["exec", `deployment/${app}`, "--", "nslookup", `${app}.default`]);

/** Runs each command until it succeeds. @returns the seconds of all */
export async function timeUntil(...commands: (() => Promise<boolean>)[]): Promise<number> {
  const started = performance.now();
  for (const command of commands) {
    while (!(await command())) {
      if (performance.now() - started > patienceMs)
        throw new Error("a step did not succeed in three minutes");
      await delay(10);
    }
  }
  return (performance.now() - started) / 1000;
}

async function runOnce(file: string, args: string[], input?: string): Promise<boolean> {
  const child = spawn(file, args, { stdio: [input === undefined ? "ignore" : "pipe", "ignore", "ignore"] });
  child.stdin?.end(input);
  const [exitCode] = (await once(child, "close")) as [number | null];
  return exitCode === 0;
}

export const total = (steps: StepSeconds): number => stepNames.reduce((sum, name) => sum + steps[name], 0);
