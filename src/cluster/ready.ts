import { systemClock } from "../base/clock.js";
import { met, unmet } from "../base/condition.js";
import { firstUnmet } from "../kube/conditions.js";
import { type ObjectCondition, objectCondition } from "../kube/wait.js";
import type { KubeNode, Pod } from "../kube/wire.js";

/**
 * Conditions for a cluster that was off: what its objects say may be from before, until kubelets report again.
 * Times of the API have whole seconds, so a moment counts from the beginning of its second.
 */

export function isSince(time: string | undefined, since: Date, now = systemClock.now()): boolean {
  if (time === undefined) return false;
  const at = Date.parse(time);
  // What lies in the future is from before too: the clock was ahead then.
  return at >= Math.floor(since.getTime() / 1000) * 1000 && at <= now.getTime() + clockSkewMs;
}

/** As far as the clocks of a node and of the host may differ. */
const clockSkewMs = 5 * 60_000;

/** These nodes are Ready, as their kubelets have said since then. */
export const nodesReadySince = (names: readonly string[], since: Date): ObjectCondition<KubeNode> =>
  objectCondition(`${names.length} nodes are Ready again`, { path: "/api/v1/nodes" }, (nodes) =>
    firstUnmet(names, (name) => {
      const node = nodes.find(({ metadata }) => metadata?.name === name);
      const ready = node?.status?.conditions?.find(({ type }) => type === "Ready");
      if (!isSince(ready?.lastHeartbeatTime, since))
        return unmet(`${name}: its kubelet has not reported yet`);
      return ready?.status === "True" ? met() : unmet(`${name}: ${ready?.message}`);
    }),
  );

/** Each of these Deployments of kube-system has a Ready pod whose containers were started since then. */
export const deploymentsRunSince = (names: readonly string[], since: Date): ObjectCondition<Pod> =>
  objectCondition(`${names.join(", ")} run again`, { path: "/api/v1/namespaces/kube-system/pods" }, (pods) =>
    firstUnmet(names, (name) => {
      const runs = pods.some(
        ({ metadata, status }) =>
          // A Deployment's pods are called <deployment>-<template hash>-<suffix>.
          metadata?.name?.match(/^(.*)-[^-]+-[^-]+$/)?.[1] === name &&
          status?.conditions?.some(({ type, status: state }) => type === "Ready" && state === "True") &&
          status.containerStatuses?.every(({ state }) => isSince(state?.running?.startedAt, since)),
      );
      return runs ? met() : unmet(`${name} has no pod that was started since`);
    }),
  );
