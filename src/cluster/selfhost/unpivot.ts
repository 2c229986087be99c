import { type Condition, met, unmet, waitFor } from "../../base/condition.js";
import type { Context } from "../../base/context.js";
import { deleteObjects } from "../../kube/apply.js";
import type { KubeClient } from "../../kube/client.js";
import type { Pod } from "../../kube/wire.js";
import { controlPlaneObjects } from "../../plan/plan.js";
import { checkpointerName } from "../../plan/selfhosted/checkpointer.js";
import { staticKubeconfigs, staticManifest, staticPodsPath } from "../../plan/selfhosted/static.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import { mirrorGone, openBridge, ownApiServes } from "../../selfhost/bridge.js";
import type { ControlPlaneHost } from "../../selfhost/control-plane-host.js";
import { putManifest, writeNodeFiles } from "../../selfhost/node-files.js";
import { releaseLease } from "../../selfhost/pivot/leases.js";
import { endCopies, removeCopies } from "../../selfhost/remove-copies.js";
import { findWorkload, type WorkloadRef } from "../../selfhost/rollout.js";
import { manifestOf, staticWorkload } from "../../selfhost/static-copies.js";
import { type Step, skip } from "../operation.js";
import { describePods, podsOf, waitOptions } from "./control-plane.js";
import { endBridges, type MoveState, moveControlPlane, podsGone } from "./move.js";

/**
 * From objects of the cluster back to static pods, made of the live objects: their flags and images as they are now.
 *
 *   copies on the nodes ──▶ controller manager, scheduler handed over ──▶ bridge ──▶ API server handed over ──▶ objects go
 *
 * @throws {SlipwayError} `USAGE` for another control plane; `CONTROL_PLANE_NOT_READY` when a static pod does not come up: the
 * objects that it was to replace are there still
 */
export const unpivotCluster = (name: string, context: Context): Promise<void> =>
  moveControlPlane(
    name,
    { operation: "selfhost-unpivot", from: "selfhosted", to: "static", steps: unpivotSteps },
    context,
  );

const apiServer: WorkloadRef = { kind: "DaemonSet", name: workloadNames.apiServer };
const leaders: readonly WorkloadRef[] = [
  { kind: "Deployment", name: workloadNames.scheduler },
  { kind: "Deployment", name: workloadNames.controllerManager },
];

/** Where a manifest waits for its turn. */
const stagedPath = (name: string): string => `${staticPodsPath}/${staticManifest(name)}`;

const endCheckpoints: Step<MoveState> = {
  id: "end-checkpoints",
  title: "Checkpoints",
  async run({ client, bridges }, context) {
    const checkpointer: WorkloadRef = { kind: "DaemonSet", name: checkpointerName };
    const there = await findWorkload(client, checkpointer, context.signal);
    if (there) await deleteObjects(client, [objectOf(checkpointer)], { signal: context.signal });
    await podsGone(client, checkpointerName, context);
    for (const { host, node, wait } of bridges) {
      await endCopies(host, context.signal);
      // Its own copy writes checkpoints as long as it runs.
      await waitFor(mirrorGone(`${checkpointerName}-${node}`), client, { ...wait, intervalMs: 300 });
      await removeCopies(host, context.signal);
    }
    return there ? undefined : skip("there were none");
  },
};

const stageCopies: Step<MoveState> = {
  id: "stage-copies",
  title: "Static copies",
  async run({ client, bridges, material }, context) {
    const copies = [];
    for (const workload of [apiServer, ...leaders]) {
      const copy = await staticWorkload(client, workload, context.signal);
      if (copy) copies.push(copy);
    }
    const local = staticKubeconfigs(material);
    const files = copies.flatMap((copy) => [
      ...copy.files.map((file) => ({ ...file, contents: local.get(file.path) ?? file.contents })),
      { path: stagedPath(copy.name), contents: manifestOf(copy), mode: 0o600 },
    ]);
    if (files.length === 0) return skip("a run before this one made them");
    for (const { host } of bridges) await writeNodeFiles(host, files, context.signal);
    return copies.map(({ name }) => name).join(", ");
  },
};

const moveLeaders: Step<MoveState> = {
  id: "move-leaders",
  title: "Controllers",
  async run({ client, bridges, plan }, context) {
    for (const workload of leaders) {
      const { name } = workload;
      for (const bridge of bridges) await activate(bridge.host, name, context);
      for (const bridge of bridges) {
        await waitFor(mirrorReady(`${name}-${bridge.node}`), client, {
          ...waitOptions(context),
          intervalMs: 300,
          code: "CONTROL_PLANE_NOT_READY",
          hint: describePods(plan.spec.metadata.name, name),
        });
      }
      const pods = await podsOf(client, name, context.signal);
      await deleteObjects(client, [objectOf(workload), budgetOf(name)], { signal: context.signal });
      await podsGone(client, name, context);
      for (const pod of pods) await releaseLease(client, name, pod, context.signal);
    }
    return undefined;
  },
};

const moveApiServers: Step<MoveState> = {
  id: "move-api-servers",
  title: "API servers",
  async run({ client, bridges, plan }, context) {
    if (await findWorkload(client, apiServer, context.signal)) {
      for (const bridge of bridges) await openBridge(bridge);
      await deleteObjects(client, [objectOf(apiServer)], { signal: context.signal });
      await podsGone(client, apiServer.name, context);
    }
    for (const bridge of bridges) {
      await activate(bridge.host, apiServer.name, context);
      await waitFor(ownApiServes(bridge), bridge.host, {
        ...waitOptions(context),
        intervalMs: 300,
        code: "CONTROL_PLANE_NOT_READY",
        hint: describePods(plan.spec.metadata.name, apiServer.name),
      });
    }
    return undefined;
  },
};

const removeObjects: Step<MoveState> = {
  id: "remove-objects",
  title: "Its objects",
  async run({ client, plan }, context) {
    const names = Object.values<string>(workloadNames);
    const own = controlPlaneObjects(plan).filter(({ metadata }) => {
      const name = metadata.labels?.["k8s-app"] ?? metadata.name;
      return names.includes(name) || name === checkpointerName;
    });
    await deleteObjects(client, own, { signal: context.signal });
    return `${own.length} removed`;
  },
};

/** A staged manifest becomes the kubelet's. */
async function activate(host: ControlPlaneHost, name: string, { signal }: Context): Promise<void> {
  const { stdout } = await host.exec(["cat", stagedPath(name)], { signal });
  await putManifest(host, staticManifest(name), stdout, signal);
}

/** The API's image of a static pod. */
const mirrorReady = (name: string): Condition<KubeClient> => ({
  name: `static pod ${name} is Ready`,
  async check(client, { signal }) {
    const pod = await client.find<Pod>(`/api/v1/namespaces/kube-system/pods/${name}`, { signal });
    const ready = pod?.status?.conditions?.find(({ type }) => type === "Ready");
    return ready?.status === "True" ? met() : unmet(ready?.message ?? "its kubelet has not said yet");
  },
});

const objectOf = ({ kind, name }: WorkloadRef) => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name, namespace: "kube-system" },
});

const budgetOf = (name: string) => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name, namespace: "kube-system" },
});

const unpivotSteps: readonly Step<MoveState>[] = [
  stageCopies,
  endCheckpoints,
  moveLeaders,
  moveApiServers,
  endBridges,
  removeObjects,
];
