import { met, type Observation, unmet } from "../base/condition.js";
import { firstUnmet } from "./conditions.js";
import { type ObjectCondition, objectCondition } from "./wait.js";
import type { Pod } from "./wire.js";

export interface PodSelector {
  namespace: string;
  /** `k8s-app=kube-dns` */
  labelSelector: string;
}

/** There are pods of that kind, and all of them are Ready. Finished ones and those on their way out do not count. */
export const podsReady = (
  { namespace, labelSelector }: PodSelector,
  { atLeast = 1 }: { atLeast?: number } = {},
): ObjectCondition<Pod> =>
  objectCondition(
    `pods ${labelSelector} in ${namespace} are Ready`,
    { path: `/api/v1/namespaces/${namespace}/pods`, labelSelector },
    (pods) => observePods(pods, atLeast),
  );

/** There are pods whose names begin so, and all of them are Ready; static pods are not meant. */
export const podsReadyByName = (namespace: string, prefix: string): ObjectCondition<Pod> =>
  objectCondition(
    `pods ${namespace}/${prefix}… are Ready`,
    { path: `/api/v1/namespaces/${namespace}/pods` },
    (pods) =>
      observePods(
        pods.filter(
          ({ metadata }) =>
            metadata?.name?.startsWith(prefix) &&
            metadata.annotations?.["kubernetes.io/config.mirror"] === undefined,
        ),
        1,
      ),
  );

/** The applications of kube-system that carry these `k8s-app` labels run, as minikube's `--wait=apps_running`. */
export const appsRunning = (apps: readonly string[]): ObjectCondition<Pod> =>
  objectCondition(
    `system applications run: ${apps.join(", ")}`,
    { path: "/api/v1/namespaces/kube-system/pods", labelSelector: `k8s-app in (${apps.join(",")})` },
    (pods) =>
      firstUnmet(apps, (app) => {
        const seen = observePods(
          pods.filter(({ metadata }) => metadata?.labels?.["k8s-app"] === app),
          1,
        );
        return seen.met ? seen : unmet(`${app}: ${seen.lastSeen}`);
      }),
  );

function observePods(pods: readonly Pod[], atLeast: number): Observation {
  const current = pods.filter(
    ({ metadata, status }) => metadata?.deletionTimestamp === undefined && status?.phase !== "Succeeded",
  );
  if (current.length < atLeast) {
    return unmet(
      current.length === 0 ? "there are no such pods yet" : `${current.length} of ${atLeast} pods exist`,
    );
  }
  return firstUnmet(current, observePod);
}

function observePod({ metadata, status }: Pod): Observation {
  const condition = (wanted: string) => status?.conditions?.find(({ type }) => type === wanted);
  if (condition("Ready")?.status === "True") return met();
  const waiting = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
    .map(({ state }) => state?.waiting ?? state?.terminated)
    .find((state) => state?.reason !== undefined && state.reason !== "Completed");
  const unscheduled =
    condition("PodScheduled")?.status === "False" ? condition("PodScheduled")?.message : undefined;
  const why = waiting
    ? `${waiting.reason}${waiting.message ? `: ${waiting.message}` : ""}`
    : (unscheduled ?? condition("Ready")?.message ?? "it has not been scheduled yet");
  return unmet(`pod ${metadata?.name} is ${status?.phase ?? "unknown"}: ${why}`);
}
