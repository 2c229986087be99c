import { met, unmet } from "../../base/condition.js";
import type { Context } from "../../base/context.js";
import { messageOf, SlipwayError } from "../../base/errors.js";
import { run } from "../../base/run.js";
import type { StoredComponent } from "../../components/component.js";
import type { KubeClient } from "../../kube/client.js";
import { objectCondition, waitForObjects } from "../../kube/wait.js";
import type { KubeNode } from "../../kube/wire.js";
import type { MachineDriver } from "../../machines/driver.js";
import type { Material } from "../../plan/material.js";
import { places } from "../../plan/places.js";
import { type ClusterPlan, type PlannedNode, planCluster } from "../../plan/plan.js";
import { machineSpec } from "../machine-spec.js";
import { isSince } from "../ready.js";
import type { NodeSoftware } from "../software.js";
import { waitOptions } from "./control-plane.js";

export interface KubeletUpgrade {
  /** The cluster as it should be. */
  plan: ClusterPlan;
  driver: MachineDriver;
  material: Material;
  client: KubeClient;
  /** Of running machines, which keep it until they stop. */
  software: NodeSoftware;
  /** The kubelet of a version. */
  kubelet(version: string): Promise<StoredComponent>;
  /** Path of the program. */
  kubectl: string;
  kubeconfig: string;
}

const drainSeconds = 120;

/** On a node that was cordoned for a new kubelet, so that also the run after a killed one knows that it may be used again. */
const drainedAnnotation = "slipway.dev/drained-for-kubelet";

/**
 * Replaces the kubelet of a running node. Containers go on: they are containerd's. Upstream asks for a drain before another
 * minor version (a kubelet may start its containers anew), so a node's pods move first where another node can take them.
 *
 * The program goes into the node's own layer, where the next power-off replaces it by that of the shared one.
 *
 * @returns whether it was drained
 */
export async function upgradeKubelet(
  node: PlannedNode,
  upgrade: KubeletUpgrade,
  context: Context,
): Promise<boolean> {
  const nodes = await upgrade.client.list<KubeNode>({ path: "/api/v1/nodes" }, { signal: context.signal });
  const before = nodes.items.find(({ metadata }) => metadata?.name === node.name);
  const takesPods = ({ metadata, spec }: KubeNode) =>
    metadata?.name !== node.name &&
    !spec?.unschedulable &&
    !spec?.taints?.some(({ effect }) => effect !== "PreferNoSchedule");
  const cordonedBefore = before?.spec?.unschedulable && !isDrained(before);
  const drain = nodes.items.some(takesPods) && !cordonedBefore;
  const kubectl = (args: string[]) =>
    run(upgrade.kubectl, args, {
      env: { KUBECONFIG: upgrade.kubeconfig },
      signal: context.signal,
      timeoutMs: (drainSeconds + 30) * 1000,
    });
  try {
    if (drain) {
      await setDrained(upgrade.client, node.name, true, context.signal);
      await kubectl([
        "drain",
        node.name,
        "--ignore-daemonsets",
        "--delete-emptydir-data",
        `--timeout=${drainSeconds}s`,
      ]);
    }
    await replaceKubelet(node.name, upgrade.plan, upgrade, context);
  } catch (error) {
    context.signal.throwIfAborted();
    const version = before?.status?.nodeInfo?.kubeletVersion?.split("+")[0];
    if (version)
      await replaceKubelet(node.name, atVersion(upgrade.plan, version), upgrade, context).catch(() => {});
    throw new SlipwayError(
      "NODE_NOT_READY",
      `the kubelet of ${node.name} was put back: ${messageOf(error)}`,
      {
        hint: `slipway logs -p ${upgrade.plan.spec.metadata.name} -n ${node.name} --unit kubelet`,
        cause: error,
      },
    );
  } finally {
    // Also after an interrupt.
    if (drain) await setDrained(upgrade.client, node.name, false, AbortSignal.timeout(10_000));
  }
  return drain;
}

/** Nodes that a run which was killed had cordoned take pods again. */
export async function releaseDrained(
  client: KubeClient,
  nodes: readonly KubeNode[],
  signal: AbortSignal,
): Promise<void> {
  for (const node of nodes.filter(isDrained))
    await setDrained(client, node.metadata?.name ?? "", false, signal);
}

const isDrained = ({ metadata }: KubeNode): boolean =>
  metadata?.annotations?.[drainedAnnotation] !== undefined;

const setDrained = (client: KubeClient, node: string, drained: boolean, signal: AbortSignal) =>
  client.call({
    method: "PATCH",
    path: `/api/v1/nodes/${node}`,
    contentType: "application/merge-patch+json",
    body: {
      metadata: { annotations: { [drainedAnnotation]: drained ? "true" : null } },
      spec: { unschedulable: drained ? true : null },
    },
    signal,
  });

/** The same cluster at another version. */
export const atVersion = ({ spec, facts }: ClusterPlan, kubernetesVersion: string): ClusterPlan =>
  planCluster({ ...spec, kubernetesVersion }, facts);

async function replaceKubelet(
  name: string,
  plan: ClusterPlan,
  { driver, client, kubelet, software, material }: KubeletUpgrade,
  context: Context,
): Promise<void> {
  const node = plan.nodes.find((planned) => planned.name === name)!;
  const cluster = plan.spec.metadata.name;
  const { path, version } = await kubelet(plan.spec.kubernetesVersion);
  const next = `${places.bin}/.kubelet.next`;
  await driver.copyIn(cluster, node.name, path, next, context);
  const since = context.clock.now();
  await driver.configure(machineSpec(plan, node, software, material), context);
  const restart = `set -e
chmod 0755 ${next}
mv -f ${next} ${places.bin}/kubelet
systemctl daemon-reload
systemctl restart kubelet`;
  await driver.exec(cluster, node.name, ["/bin/sh", "-c", restart], { signal: context.signal });
  await waitForObjects(kubeletRuns(node.name, version, since), client, {
    ...waitOptions(context),
    code: "NODE_NOT_READY",
    hint: `slipway logs -p ${cluster} -n ${node.name} --unit kubelet`,
  });
}

const kubeletRuns = (name: string, version: string, since: Date) =>
  objectCondition<KubeNode>(
    `the kubelet of ${name} is ${version} and Ready`,
    { path: "/api/v1/nodes", fieldSelector: `metadata.name=${name}` },
    ([node]) => {
      const seen = node?.status?.nodeInfo?.kubeletVersion;
      if (!isVersion(seen, version)) return unmet(`${name} has a kubelet of ${seen ?? "no version"}`);
      const ready = node?.status?.conditions?.find(({ type }) => type === "Ready");
      if (!isSince(ready?.lastHeartbeatTime, since)) return unmet(`${name} has not reported yet`);
      return ready?.status === "True" ? met() : unmet(`${name}: ${ready?.message}`);
    },
  );

/** What is built here says so behind a plus. */
export const isVersion = (seen: string | undefined, version: string): boolean =>
  seen === version || seen?.startsWith(`${version}+`) === true;
