import type { Pod } from "../../kube/wire.js";
import type { RunningSandbox } from "./container-runtime.js";
import type { ApiSnapshot } from "./control-plane-api.js";
import type { ParentPlace } from "./state.js";
import { keyOf, roleOfSandbox, type Workload, workloadOfPod } from "./workload.js";

/** What runs of a workload on this node, as the container runtime says. */
export interface LocalPods {
  /** UIDs of pods of the workload, of any revision, that have a running container. */
  parents: Set<string>;
  /** A pod of the workload has a ready sandbox, whether anything runs in it or not. */
  parentSandbox: boolean;
  /** A static copy has a sandbox. */
  copyStarted: boolean;
}

export const silent: Readonly<LocalPods> = { parents: new Set(), parentSandbox: false, copyStarted: false };

/** The control plane's pods on this node, by their workload's key. Pure. */
export function localPods(sandboxes: readonly RunningSandbox[]): Map<string, LocalPods> {
  const found = new Map<string, LocalPods>();
  for (const sandbox of sandboxes) {
    const role = roleOfSandbox(sandbox);
    if (!role) continue;
    const key = keyOf(role);
    const pods = found.get(key) ?? { ...silent, parents: new Set() };
    found.set(key, pods);
    if (role.role === "copy") pods.copyStarted = true;
    else {
      pods.parentSandbox = true;
      if (sandbox.running > 0) pods.parents.add(sandbox.uid);
    }
  }
  return found;
}

/** A workload's pods as the API server has them. */
export interface WorkloadPods {
  workload: Workload;
  here: Pod[];
  elsewhere: Pod[];
}

/** Pods that are to be checkpointed, by their workload's key; those that have ended are none. Pure. */
export function podsByWorkload(pods: readonly Pod[], nodeName: string): Map<string, WorkloadPods> {
  const found = new Map<string, WorkloadPods>();
  for (const pod of pods) {
    const workload = workloadOfPod(pod);
    if (!workload || pod.status?.phase === "Failed" || pod.status?.phase === "Succeeded") continue;
    const key = keyOf(workload);
    const entry = found.get(key) ?? { workload, here: [], elsewhere: [] };
    found.set(key, entry);
    if (pod.spec?.nodeName === nodeName) entry.here.push(pod);
    else if (pod.spec?.nodeName !== undefined) entry.elsewhere.push(pod);
  }
  return found;
}

/** Where a workload's pods are. Pure. */
export function parentPlace(
  workload: Workload,
  pods: WorkloadPods | undefined,
  api: ApiSnapshot,
): ParentPlace {
  if (pods && pods.here.length > 0) return "here";
  if (!wantsPods(workload, api)) return "gone";
  return pods?.elsewhere.some((pod) => readySinceMs(pod) !== undefined) ? "elsewhere" : "nowhere";
}

function wantsPods({ kind, name }: Workload, { daemonSets, deployments }: ApiSnapshot): boolean {
  if (kind === "Deployment") {
    const deployment = deployments.find(({ metadata }) => metadata?.name === name);
    return deployment !== undefined && (deployment.spec?.replicas ?? 1) > 0;
  }
  const daemonSet = daemonSets.find(({ metadata }) => metadata?.name === name);
  if (!daemonSet) return false;
  const { status, metadata } = daemonSet;
  // Until its controller has looked at it, nobody knows how many nodes it wants.
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return true;
  return (status?.desiredNumberScheduled ?? 0) > 0;
}

/**
 * Since when a pod has been Ready with the containers that it has now, in milliseconds of the node's clock, which is ours for
 * pods of this node; undefined: it is not Ready, or on its way out.
 */
export function readySinceMs({ metadata, status }: Pod): number | undefined {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status !== "True" || metadata?.deletionTimestamp !== undefined) return undefined;
  const times = [
    ready.lastTransitionTime,
    ...(status?.containerStatuses ?? []).map(({ state }) => state?.running?.startedAt),
  ];
  return Math.max(...times.map((time) => (time === undefined ? 0 : Date.parse(time))));
}
