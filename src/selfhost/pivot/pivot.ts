import { type Condition, type WaitOptions, waitFor } from "../../base/condition.js";
import type { KubeClient } from "../../kube/client.js";
import { apiReady, daemonSetReady, deploymentAvailable } from "../../kube/conditions.js";
import { type ObjectCondition, waitForObjects } from "../../kube/wait.js";
import type { KubeObject } from "../../kube/wire.js";
import type { BootstrapPod } from "../../plan/selfhosted/bootstrap.js";
import { checkpointerName } from "../../plan/selfhosted/checkpointer.js";
import { bootstrapPorts } from "../../plan/selfhosted/settings.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import type { ControlPlaneHost } from "../control-plane-host.js";
import {
  bootstrapManifests,
  endBootstrapPod,
  hasBootstrapSecrets,
  removeBootstrapSecrets,
} from "./bootstrap-pods.js";
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
  /** Where root reaches the self-hosted API server on the host, past the redirect. */
  own: string;
  /** API server, controller manager, scheduler. */
  pods: readonly Pick<BootstrapPod, "file" | "pod">[];
  /** What takes over: the bootstrap control plane does not end before. */
  required: readonly RequiredWorkload[];
  /** A new client, with a connection of its own. */
  connect(): KubeClient;
  wait: Omit<WaitOptions, "code" | "hint" | "intervalMs"> & { signal: AbortSignal };
  /** Asks the self-hosted API server on the host for /readyz, past the redirect. */
  selfhostedAnswers: Condition<ControlPlaneHost>;
  /** The command that shows the state of a workload's pods, for the hint of a wait that failed. */
  describe(workload: Pick<RequiredWorkload, "namespace" | "name">): string;
}

const namespace = "kube-system";

export interface RequiredWorkload {
  namespace: string;
  name: string;
  condition: ObjectCondition<KubeObject>;
}

/** The control plane's own workloads, as their controllers report them. */
export const controlPlaneWorkloads: readonly RequiredWorkload[] = [
  ...[workloadNames.apiServer, checkpointerName].map((name) => ({
    namespace,
    name,
    condition: daemonSetReady(namespace, name),
  })),
  ...[workloadNames.controllerManager, workloadNames.scheduler].map((name) => ({
    namespace,
    name,
    condition: deploymentAvailable(namespace, name),
  })),
];

/** Whether the host has a bootstrap control plane, or what is left of one. */
export async function isPivoting({ host, wait }: Pick<Pivot, "host" | "wait">): Promise<boolean> {
  return (
    (await bootstrapManifests(host, wait.signal)).length > 0 || (await hasBootstrapSecrets(host, wait.signal))
  );
}

/** Lets everybody who calls the cluster's port reach the bootstrap API server. */
export async function openWay(pivot: Pivot): Promise<void> {
  const { host, wait } = pivot;
  const left = await bootstrapManifests(host, wait.signal);
  // Without it there is nobody to be redirected to.
  if (left.includes("bootstrap-apiserver.yaml")) await redirect(host, pivot, wait.signal);
}

/** Waits until every pod that takes over is ready. */
export async function selfhostedReady(pivot: Pivot): Promise<void> {
  const { host, connect, required, wait, describe, selfhostedAnswers } = pivot;
  const failing = (workload: Pick<RequiredWorkload, "namespace" | "name">) => ({
    ...wait,
    code: "CONTROL_PLANE_NOT_READY" as const,
    hint: describe(workload),
  });
  await using client = connect();
  await Promise.all(
    required.map((workload) => waitForObjects(workload.condition, client, failing(workload))),
  );
  // What objects say may be from before a loss.
  const apiServer = { namespace, name: workloadNames.apiServer };
  await waitFor(selfhostedAnswers, host, { ...failing(apiServer), intervalMs: 250 });
}

/** New connections go to the self-hosted API server. When it does not answer them, they go back. */
export async function handOver(pivot: Omit<Pivot, "selfhostedAnswers" | "required">): Promise<void> {
  const { host, connect, wait, describe } = pivot;
  await endRedirect(host, wait.signal);
  try {
    await using client = connect();
    await waitFor(apiReady(), client, {
      ...wait,
      timeoutMs: 10_000,
      code: "API_NOT_READY",
      hint: describe({ namespace, name: workloadNames.apiServer }),
    });
  } catch (error) {
    if ((await bootstrapManifests(host, wait.signal)).includes("bootstrap-apiserver.yaml")) {
      await redirect(host, pivot, wait.signal);
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
  await removeRedirect(host, wait.signal);
  // Last: that they are there says that something is left to do.
  await removeBootstrapSecrets(host, wait.signal);
}
