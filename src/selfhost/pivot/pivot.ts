import { type Condition, type WaitOptions, waitFor } from "../../base/condition.js";
import type { KubeClient } from "../../kube/client.js";
import { apiReady, daemonSetReady, deploymentAvailable } from "../../kube/conditions.js";
import { waitForObjects } from "../../kube/wait.js";
import type { BootstrapPod } from "../../plan/selfhosted/bootstrap.js";
import { checkpointerName } from "../../plan/selfhosted/checkpointer.js";
import { bootstrapPorts } from "../../plan/selfhosted/settings.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import type { ControlPlaneHost } from "../control-plane-host.js";
import { bootstrapManifests, endBootstrapPod, removeBootstrapSecrets } from "./bootstrap-pods.js";
import { releaseLease } from "./leases.js";
import { endRedirect, redirect, removeRedirect } from "./redirect.js";

/**
 * From the bootstrap control plane to the one that is an object of the cluster:
 *
 *   bootstrap pods serve ──▶ objects applied ──▶ self-hosted pods ready ──▶ redirect ends ──▶ bootstrap pods end
 *
 * Each function does what is missing and can be run again after a kill at any point.
 */
export interface Pivot {
  host: ControlPlaneHost;
  /** The Node of the host. */
  node: string;
  /** The cluster's own port, and that of the bootstrap API server. */
  port: number;
  bootstrapPort: number;
  pods: readonly BootstrapPod[];
  /** A new client, with a connection of its own. */
  connect(): KubeClient;
  wait: Omit<WaitOptions, "code" | "hint" | "intervalMs"> & { signal: AbortSignal };
  /** Asks the self-hosted API server on the host for /readyz, past the redirect. */
  selfhostedAnswers: Condition<ControlPlaneHost>;
  /** The command that shows a pod's state, for the hint of a wait that failed. */
  describe(workload: string): string;
}

/** Whether the host has a bootstrap control plane, or what is left of one. */
export async function isPivoting({ host, wait }: Pivot): Promise<boolean> {
  return (await bootstrapManifests(host, wait.signal)).length > 0;
}

/** Lets everybody who calls the cluster's port reach the bootstrap API server. */
export async function openWay({ host, port, bootstrapPort, wait }: Pivot): Promise<void> {
  const left = await bootstrapManifests(host, wait.signal);
  // Without it there is nobody to be redirected to.
  if (left.includes("bootstrap-apiserver.yaml")) await redirect(host, port, bootstrapPort, wait.signal);
}

/** Waits until every pod that takes over is ready. */
export async function selfhostedReady({
  host,
  connect,
  wait,
  describe,
  selfhostedAnswers,
}: Pivot): Promise<void> {
  await using client = connect();
  const namespace = "kube-system";
  const { apiServer, controllerManager, scheduler } = workloadNames;
  const failing = (workload: string) => ({
    ...wait,
    code: "CONTROL_PLANE_NOT_READY" as const,
    hint: describe(workload),
  });
  await Promise.all([
    waitForObjects(daemonSetReady(namespace, apiServer), client, failing(apiServer)),
    waitForObjects(daemonSetReady(namespace, checkpointerName), client, failing(checkpointerName)),
    waitForObjects(deploymentAvailable(namespace, controllerManager), client, failing(controllerManager)),
    waitForObjects(deploymentAvailable(namespace, scheduler), client, failing(scheduler)),
  ]);
  // What objects say may be from before a loss.
  await waitFor(selfhostedAnswers, host, { ...failing(apiServer), intervalMs: 250 });
}

/** New connections go to the self-hosted API server. When it does not answer them, they go back. */
export async function handOver(pivot: Pivot): Promise<void> {
  const { host, port, bootstrapPort, connect, wait, describe } = pivot;
  await endRedirect(host, wait.signal);
  try {
    await using client = connect();
    await waitFor(apiReady(), client, {
      ...wait,
      timeoutMs: 10_000,
      code: "API_NOT_READY",
      hint: describe(workloadNames.apiServer),
    });
  } catch (error) {
    if ((await bootstrapManifests(host, wait.signal)).includes("bootstrap-apiserver.yaml")) {
      await redirect(host, port, bootstrapPort, wait.signal);
    }
    throw error;
  }
}

/** The static pods go, one at a time, the API server first; then all that they had. */
export async function endBootstrap(pivot: Pivot): Promise<void> {
  const { host, node, bootstrapPort, pods, connect, wait } = pivot;
  const [apiServer, controllerManager, scheduler] = pods;
  await endBootstrapPod(host, apiServer!, bootstrapPort, wait);
  await using client = connect();
  for (const [pod, port, component] of [
    [scheduler!, bootstrapPorts.scheduler, workloadNames.scheduler],
    [controllerManager!, bootstrapPorts.controllerManager, workloadNames.controllerManager],
  ] as const) {
    await endBootstrapPod(host, pod, port, wait);
    await releaseLease(client, component, node, wait.signal);
  }
  await removeBootstrapSecrets(host, wait.signal);
  await removeRedirect(host, wait.signal);
}
