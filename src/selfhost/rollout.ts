import { type Condition, met, type Observation, unmet, waitFor } from "../base/condition.js";
import { SlipwayError } from "../base/errors.js";
import type { KubeClient } from "../kube/client.js";
import type { DaemonSet, Deployment, KubeObject, Pod } from "../kube/wire.js";
import { type Rollout, rolloutOf } from "./checkpoint/rollout.js";
import { releaseLostLease } from "./pivot/leases.js";
import type { Pivot } from "./pivot/pivot.js";

/** A workload of kube-system whose pods carry its name as `k8s-app`; of a Deployment's, the leader holds the lease of that name. */
export interface WorkloadRef {
  kind: "DaemonSet" | "Deployment";
  name: string;
}

const namespace = "kube-system";
const apps = `/apis/apps/v1/namespaces/${namespace}`;
const collection = ({ kind }: WorkloadRef) => (kind === "DaemonSet" ? "daemonsets" : "deployments");
export const workloadPath = (workload: WorkloadRef): string =>
  `${apps}/${collection(workload)}/${workload.name}`;

export type LiveWorkload = DaemonSet | Deployment;

/** @returns undefined when there is none of that name */
export const findWorkload = (
  client: KubeClient,
  workload: WorkloadRef,
  signal: AbortSignal,
): Promise<LiveWorkload | undefined> => client.find<LiveWorkload>(workloadPath(workload), { signal });

/** The image of its first container. */
export const imageOf = (workload: LiveWorkload | undefined): string | undefined =>
  workload?.spec?.template.spec?.containers[0]?.image;

/** How long a pod may fail without a break until its rollout is given up: the kubelet tries three times in it. */
const failingMs = 40_000;

/**
 * Waits until all pods of a workload are those of its template and ready, and the ones before are gone.
 *
 * @param image what the template says; when it says something else, somebody undid the rollout
 * @throws {SlipwayError} `CONTROL_PLANE_NOT_READY` as soon as a new pod is seen to fail for good, with what it says
 */
export async function rolledOut(
  client: KubeClient,
  workload: WorkloadRef,
  { wait, describe }: Pick<Pivot, "wait" | "describe">,
  image?: string,
): Promise<void> {
  const stop = new AbortController();
  const clock = wait.clock;
  let failingSince: number | undefined;
  const fail = (why: string): never => {
    const error = new SlipwayError("CONTROL_PLANE_NOT_READY", `${workload.name}: ${why}`, {
      hint: describe({ namespace, name: workload.name }),
    });
    stop.abort(error);
    throw error;
  };
  const condition: Condition<KubeClient> = {
    name: `${workload.name} is rolled out`,
    async check(_client, { signal }) {
      const live = await findWorkload(client, workload, signal);
      if (!live) return unmet("there is no such workload");
      if (image !== undefined && imageOf(live) !== image)
        return fail(`its image is ${imageOf(live)} again; somebody else rolled it back`);
      const rollout = await readRollout(client, workload, live, signal);
      if (!rollout) return unmet("not yet seen by its controller");
      if (workload.kind === "Deployment") {
        const pods = rollout.pods.map(({ name }) => name);
        await releaseLostLease(client, workload.name, pods, signal);
      }
      const failing = rollout.pods.find((pod) => pod.updated && pod.failure !== undefined);
      if (!failing) failingSince = undefined;
      else {
        const now = clock?.monotonicMs() ?? performance.now();
        failingSince ??= now;
        if (now - failingSince >= failingMs) return fail(`pod ${failing.name}: ${failing.failure}`);
      }
      return observeRollout(rollout);
    },
  };
  await waitFor(condition, client, {
    ...wait,
    signal: AbortSignal.any([wait.signal, stop.signal]),
    intervalMs: 300,
    code: "CONTROL_PLANE_NOT_READY",
    hint: describe({ namespace, name: workload.name }),
  });
}

/** Every pod is of the wanted revision and Ready, and there are as many as should be. Pure. */
export function observeRollout({ pods, desired }: Rollout): Observation {
  const updated = pods.filter((pod) => pod.updated);
  const ready = updated.filter(({ readySinceMs }) => readySinceMs !== undefined).length;
  if (desired === 0) return unmet("no node takes its pods");
  if (ready < desired) {
    const failing = updated.find(({ failure }) => failure !== undefined);
    return unmet(
      `${ready} of ${desired} new pods are ready${failing ? `: ${failing.name}: ${failing.failure}` : ""}`,
    );
  }
  if (pods.length > desired) return unmet(`${pods.length - desired} of the pods before have not ended`);
  return met();
}

async function readRollout(
  client: KubeClient,
  workload: WorkloadRef,
  live: LiveWorkload,
  signal: AbortSignal,
): Promise<Rollout | undefined> {
  const revisions = workload.kind === "DaemonSet" ? "controllerrevisions" : "replicasets";
  const labelSelector = `k8s-app=${workload.name}`;
  const [pods, owned] = await Promise.all([
    client.list<Pod>({ path: `/api/v1/namespaces/${namespace}/pods`, labelSelector }, { signal }),
    client.list<KubeObject>({ path: `${apps}/${revisions}`, labelSelector }, { signal }),
  ]);
  // A static pod of the same label is none of the workload's.
  const own = pods.items.filter(({ metadata }) =>
    metadata?.ownerReferences?.some(({ kind }) => kind !== "Node"),
  );
  return rolloutOf(live, workload.kind, own, owned.items);
}

/** Puts a workload's pod template back, exactly as it was. */
export async function restoreTemplate(
  client: KubeClient,
  workload: WorkloadRef,
  template: object,
  signal: AbortSignal,
): Promise<void> {
  await client.call({
    method: "PATCH",
    path: workloadPath(workload),
    contentType: "application/json-patch+json",
    body: [{ op: "replace", path: "/spec/template", value: template }],
    signal,
  });
}
