import { isDeepStrictEqual } from "node:util";
import { waitFor } from "../../base/condition.js";
import type { Context } from "../../base/context.js";
import { applyObjects } from "../../kube/apply.js";
import { apiReady } from "../../kube/conditions.js";
import type { Pod } from "../../kube/wire.js";
import { controlPlaneNodes } from "../../plan/addresses.js";
import type { KubeObject } from "../../plan/kube-object.js";
import { type ClusterPlan, controlPlaneObjects, planCluster } from "../../plan/plan.js";
import { sealObjects } from "../../plan/secrets.js";
import { reshapedWorkload } from "../../plan/selfhosted/reshape.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import { closeBridges, isBridged, openBridge, ownApiServes } from "../../selfhost/bridge.js";
import {
  findWorkload,
  imageOf,
  type LiveWorkload,
  rolledOut,
  type WorkloadRef,
} from "../../selfhost/rollout.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { type Step, skip } from "../operation.js";
import { pendingRollout } from "../rollout.js";
import type { StartState } from "../start-state.js";
import { bridges, describePods, waitOptions } from "./control-plane.js";

/**
 * A self-hosted control plane on more nodes or fewer. Its objects follow those nodes: API servers behind an endpoint listen on
 * their nodes' own addresses, one alone on all; kubeconfigs name the endpoint that there is now.
 *
 *   more:  etcd joins ──▶ the endpoint comes ──▶ API servers ──▶ Nodes, controllers
 *   fewer: etcd leaves ──▶ API servers ──▶ Nodes, controllers ──▶ the endpoint of several goes
 */

const apiServer: WorkloadRef = { kind: "DaemonSet", name: workloadNames.apiServer };
const others: readonly WorkloadRef[] = [
  { kind: "Deployment", name: workloadNames.controllerManager },
  { kind: "Deployment", name: workloadNames.scheduler },
  { kind: "DaemonSet", name: "kube-proxy" },
];

/** Before the new Nodes: what starts there is of the new shape. */
export const reshapeApiServers: Step<StartState> = {
  id: "reshape-api-servers",
  title: "API servers",
  async run(state, context) {
    const { plan, driver } = state;
    const client = state.client!;
    const material = state.material!;
    const before = await pendingRollout(plan.spec.metadata.name, context);
    if (!before) return skip("as many as before");
    const parts = controlPlaneObjects(plan).filter((object) => !isWorkload(object));
    await waitFor(apiReady(), client, { ...waitOptions(context), code: "API_NOT_READY" });
    await applyObjects(client, sealObjects(parts, material), { signal: context.signal });
    const stayed = bridges({ plan, driver, material }, context).filter(({ node }) =>
      before.nodes.some(({ name, role }) => name === node && role === "control-plane"),
    );
    const live = await findWorkload(client, apiServer, context.signal);
    const wanted = inNewShape(apiServer, live, { before, plan });
    if (!wanted || isDeepStrictEqual(commandOf(live), commandOf(wanted as LiveWorkload))) {
      for (const bridge of stayed) if (await isBridged(bridge)) await closeBridges([bridge]);
      return skip("their flags are the same");
    }
    for (const bridge of stayed) await openBridge(bridge);
    await applyObjects(client, sealObjects([wanted], material), { signal: context.signal });
    await rolledOut(client, apiServer, waits(plan, context));
    for (const bridge of stayed) {
      await waitFor(ownApiServes(bridge), bridge.host, {
        ...waitOptions(context),
        intervalMs: 300,
        code: "CONTROL_PLANE_NOT_READY",
        hint: describePods(plan.spec.metadata.name, apiServer.name),
      });
    }
    await closeBridges(stayed);
    return undefined;
  },
};

/** Once the Nodes say where control planes are. Waits until every component is where it should be. */
export const reshapeControllers: Step<StartState> = {
  id: "reshape-controllers",
  title: "Controllers",
  async run(state, context) {
    const { plan, joining } = state;
    const client = state.client!;
    const before = await pendingRollout(plan.spec.metadata.name, context);
    if (!before && joining.length === 0) return skip("as many as before");
    for (const workload of before ? others : []) {
      const live = await findWorkload(client, workload, context.signal);
      const wanted = inNewShape(workload, live, { before: before!, plan });
      if (wanted)
        await applyObjects(client, sealObjects([wanted], state.material!), { signal: context.signal });
    }
    for (const workload of [apiServer, ...others]) {
      if (!(await findWorkload(client, workload, context.signal))) continue;
      await rolledOut(client, workload, waits(plan, context));
      if (workload.kind === "Deployment") await spreadOut(workload, state, context);
    }
    return undefined;
  },
};

/**
 * Moves pods of nodes that have two of them to nodes that have none: a scheduler that had not heard of a new Node yet has put them
 * where it could.
 */
async function spreadOut(
  workload: WorkloadRef,
  { plan, client }: StartState,
  context: Context,
): Promise<void> {
  const nodes = controlPlaneNodes(plan.spec).map(({ name }) => name);
  for (let moves = 1; moves < nodes.length; moves++) {
    const pods = await client!.list<Pod>(
      { path: "/api/v1/namespaces/kube-system/pods", labelSelector: `k8s-app=${workload.name}` },
      { signal: context.signal },
    );
    const on = (node: string) => pods.items.filter(({ spec }) => spec?.nodeName === node);
    const [extra] = nodes.map(on).find(({ length }) => length > 1) ?? [];
    if (!extra?.metadata?.name || nodes.every((node) => on(node).length > 0)) return;
    await client!.call({
      method: "DELETE",
      path: `/api/v1/namespaces/kube-system/pods/${extra.metadata.name}`,
      signal: context.signal,
    });
    await rolledOut(client!, workload, waits(plan, context));
  }
}

const isWorkload = ({ kind }: KubeObject): boolean => kind === "DaemonSet" || kind === "Deployment";

/** @returns undefined where there is none: it is made as the plan has it */
function inNewShape(
  { kind, name }: WorkloadRef,
  live: LiveWorkload | undefined,
  { before, plan }: { before: ClusterSpec; plan: ClusterPlan },
): KubeObject | undefined {
  const image = imageOf(live);
  const command = commandOf(live);
  const find = (from: ClusterPlan) =>
    controlPlaneObjects(from).find((object) => object.kind === kind && object.metadata.name === name);
  const [old, now] = [find(planCluster(before, plan.facts)), find(plan)];
  return old && now && image && command ? reshapedWorkload(old, now, { image, command }) : undefined;
}

/** Of its first container. */
const commandOf = (workload: LiveWorkload | undefined): string[] | undefined =>
  workload?.spec?.template.spec?.containers[0]?.command;

const waits = ({ spec }: ClusterPlan, context: Context) => ({
  wait: waitOptions(context),
  describe: (workload: { name: string }) => describePods(spec.metadata.name, workload.name),
});
