import { type Condition, met, unmet, waitFor } from "../../base/condition.js";
import type { Context } from "../../base/context.js";
import type { KubeClient } from "../../kube/client.js";
import { apiReady } from "../../kube/conditions.js";
import type { Pod } from "../../kube/wire.js";
import { planCluster } from "../../plan/plan.js";
import { staticManifest } from "../../plan/selfhosted/static.js";
import { type Bridge, closeBridges, mirrorGone } from "../../selfhost/bridge.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { checkClock } from "../clock-check.js";
import { hostDriver } from "../driver.js";
import { ensureMaterial } from "../material.js";
import { runOperation, type Step } from "../operation.js";
import {
  lockProfile,
  loggedContext,
  type Profile,
  profileJournal,
  profilePaths,
  readProfile,
  writeProfile,
} from "../profile.js";
import {
  bridges,
  type ControlPlaneAccess,
  connectApi,
  requireBootstrapper,
  waitOptions,
} from "./control-plane.js";
import { availableDisk } from "./node-disk.js";
import { checkDisk } from "./upgrade-checks.js";

/** What a move of the control plane from one kind of pods to another works with. */
export interface MoveState extends ControlPlaneAccess {
  profile: Profile;
  client: KubeClient;
  bridges: Bridge[];
}

/** Runs a move's steps; the profile says where the control plane lives once all of them are done. */
export async function moveControlPlane(
  name: string,
  {
    operation,
    from,
    to,
    steps,
  }: {
    operation: string;
    from: ClusterSpec["bootstrapper"];
    to: ClusterSpec["bootstrapper"];
    steps: readonly Step<MoveState>[];
  },
  context: Context,
): Promise<void> {
  await checkClock(name, context);
  await using _lock = await lockProfile(name, context);
  const profile = await readProfile(name, context);
  if (profile.spec.bootstrapper === to) {
    context.events({ type: "info", message: `the control plane of ${name} is there already` });
    return;
  }
  requireBootstrapper(profile.spec, from);
  const plan = planCluster(profile.spec, profile.facts);
  const driver = hostDriver(context);
  const material = await ensureMaterial(plan, profilePaths(name, context).pki, context);
  const access = { plan, driver, material };
  await using client = connectApi(material);
  const remember: Step<MoveState> = {
    id: "profile",
    title: "Profile",
    async run() {
      await writeProfile(context, { ...profile, spec: { ...profile.spec, bootstrapper: to } });
      return to;
    },
  };
  await runOperation(
    operation,
    [reachApi, ...steps, remember],
    { ...access, profile, client, bridges: bridges(access, context) },
    { journal: profileJournal(name, context), context: loggedContext(name, context) },
  );
}

const reachApi: Step<MoveState> = {
  id: "preflight",
  title: "Checks",
  async run({ client, plan, driver, bridges }, context) {
    const { name } = plan.spec.metadata;
    await waitFor(apiReady(), client, {
      ...waitOptions(context),
      timeoutMs: 15_000,
      code: "API_NOT_READY",
      hint: `slipway selfhost status -p ${name}`,
    });
    for (const { node } of bridges) checkDisk(node, await availableDisk(driver, name, node, context.signal));
    return undefined;
  },
};

export const endBridges: Step<MoveState> = {
  id: "close-bridges",
  title: "Hand-over",
  async run({ bridges }) {
    await closeBridges(bridges);
    return undefined;
  },
};

/** Waits until a workload's pods are gone. */
export async function podsGone(client: KubeClient, workload: string, context: Context): Promise<void> {
  const gone: Condition<KubeClient> = {
    name: `the pods of ${workload} have ended`,
    async check(api, { signal }) {
      const pods = await api.list<Pod>(
        { path: "/api/v1/namespaces/kube-system/pods", labelSelector: `k8s-app=${workload}` },
        { signal },
      );
      const left = pods.items.filter(({ metadata }) =>
        metadata?.ownerReferences?.some(({ kind }) => kind !== "Node"),
      );
      return left.length === 0 ? met() : unmet(left.map(({ metadata }) => metadata?.name).join(", "));
    },
  };
  await waitFor(gone, client, { ...waitOptions(context), intervalMs: 300, code: "CONTROL_PLANE_NOT_READY" });
}

/**
 * Takes a static pod away from every node, and waits until it has ended: a kubelet keeps its image in the API until then. Its
 * port says nothing, for what comes after it may have it already.
 */
export async function endStaticPod({ bridges, client }: MoveState, name: string): Promise<void> {
  for (const { host, node, wait } of bridges) {
    await host.exec(["rm", "-f", `${host.manifests}/${staticManifest(name)}`], { signal: wait.signal });
    await waitFor(mirrorGone(`${name}-${node}`), client, { ...wait, intervalMs: 300 });
  }
}
