import { met, unmet } from "../base/condition.js";
import type { Context } from "../base/context.js";
import type { ErrorCode } from "../base/errors.js";
import type { KubeClient } from "../kube/client.js";
import { firstUnmet, nodesReady } from "../kube/conditions.js";
import { type ObjectCondition, objectCondition } from "../kube/wait.js";
import type { KubeNode, KubeObject, Pod } from "../kube/wire.js";
import { flannelDaemonSet } from "../plan/addons/flannel.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { isSince } from "./ready.js";
import type { WaitFor } from "./wait-for.js";

/** A condition of a start, and what it is when it is not met in time. */
export interface NetworkWait {
  condition: ObjectCondition<KubeObject>;
  code: ErrorCode;
}

/**
 * What else has to come true for the parts that are waited for, beside the nodes and the add-ons.
 *
 * @param since when the cluster was switched on: what its objects say of before does not count
 */
export function networkWaits(spec: ClusterSpec, waitFor: ReadonlySet<WaitFor>, since?: Date): NetworkWait[] {
  const nodes = spec.nodes.map(({ name }) => name);
  const waits: NetworkWait[] = [];
  if (waitFor.has("kubelet") && !waitFor.has("node_ready")) {
    waits.push({ condition: kubeletsReport(nodes, since), code: "NODE_NOT_READY" });
  }
  // Its CNI configuration makes a node Ready at once; it is of use when it has joined the others.
  if (spec.network.cni === "flannel" && (waitFor.has("node_ready") || waitFor.has("system_pods"))) {
    waits.push({ condition: flannelRuns(nodes, since), code: "ADDON_NOT_READY" });
  }
  return waits;
}

/** The kubelets of these nodes have said how they are: Ready or not. */
export const kubeletsReport = (nodes: readonly string[], since?: Date): ObjectCondition<KubeNode> =>
  objectCondition(`${nodes.length} kubelets report`, { path: "/api/v1/nodes" }, (found) =>
    firstUnmet(nodes, (name) => {
      const node = found.find(({ metadata }) => metadata?.name === name);
      const ready = node?.status?.conditions?.find(({ type }) => type === "Ready");
      // What stands there before the kubelet's first word comes from the node controller, and is Unknown.
      const reported = ready !== undefined && ready.status !== "Unknown";
      if (reported && (since === undefined || isSince(ready.lastHeartbeatTime, since))) return met();
      return unmet(`${name}: its kubelet has not reported yet`);
    }),
  );

/** Every one of these nodes has joined flannel's network. */
export const flannelRuns = (nodes: readonly string[], since?: Date): ObjectCondition<Pod> =>
  objectCondition(
    `flannel runs on ${nodes.length} nodes`,
    { path: `/api/v1/namespaces/${flannelDaemonSet.namespace}/pods`, labelSelector: "app=flannel" },
    (pods) =>
      firstUnmet(nodes, (name) => {
        const pod = pods.find(({ spec }) => spec?.nodeName === name);
        if (!pod) return unmet(`${name} has no pod of flannel yet`);
        const { conditions = [], containerStatuses = [] } = pod.status ?? {};
        const ready = conditions.some(({ type, status }) => type === "Ready" && status === "True");
        const current =
          since === undefined ||
          containerStatuses.every(({ state }) => isSince(state?.running?.startedAt, since));
        if (ready && current) return met();
        const waiting = containerStatuses.find(({ state }) => state?.waiting)?.state?.waiting;
        const why = waiting ? `${waiting.reason}: ${waiting.message ?? ""}` : "not Ready yet";
        return unmet(`${pod.metadata?.name} on ${name}: ${why}`);
      }),
  );

/** Says what a cluster without a network lacks; nothing once the user's own is there. */
export async function tellOfMissingNetwork(
  { metadata, network, nodes }: ClusterSpec,
  client: KubeClient,
  context: Context,
): Promise<void> {
  if (network.cni !== "none") return;
  const ready = await nodesReady(nodes.map(({ name }) => name)).check(client, { signal: context.signal });
  if (ready.met) return;
  context.events({
    type: "warning",
    message: "there is no pod network (--cni none): nodes are NotReady, and pods wait",
    hint: `apply one: slipway kubectl -p ${metadata.name} -- apply -f FILE (each Node has its podCIDR)`,
  });
}
