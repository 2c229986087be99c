import { waitFor } from "../../base/condition.js";
import type { Context } from "../../base/context.js";
import { applyObjects } from "../../kube/apply.js";
import { controlPlaneObjects, planCluster } from "../../plan/plan.js";
import { sealObjects } from "../../plan/secrets.js";
import { staticManifest, staticPodsPath } from "../../plan/selfhosted/static.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import { isBridged, openBridge, ownApiServes } from "../../selfhost/bridge.js";
import { releaseLease } from "../../selfhost/pivot/leases.js";
import { findWorkload, rolledOut } from "../../selfhost/rollout.js";
import { ensureMaterial } from "../material.js";
import { type Step, skip } from "../operation.js";
import { profilePaths } from "../profile.js";
import { describePods, waitOptions } from "./control-plane.js";
import { endBridges, endStaticPod, type MoveState, moveControlPlane } from "./move.js";

/**
 * From static pods to objects of the cluster, as the spec has them.
 *
 *   bridge ──▶ static API servers end ──▶ objects applied and ready ──▶ bridge ends ──▶ static controllers end
 *
 * @throws {SlipwayError} `USAGE` for another control plane; `CONTROL_PLANE_NOT_READY`: the bridge serves then, and the command
 * can be run again
 */
export const pivotCluster = (name: string, context: Context): Promise<void> =>
  moveControlPlane(
    name,
    { operation: "selfhost-pivot", from: "static", to: "selfhosted", steps: pivotSteps },
    context,
  );

const moveApiServers: Step<MoveState> = {
  id: "move-api-servers",
  title: "API servers",
  async run(state, context) {
    const { bridges, client, profile } = state;
    const { apiServer } = workloadNames;
    if (await isMoved(state, context)) return skip("a run before this one moved them");
    for (const bridge of bridges) await openBridge(bridge);
    await endStaticPod(state, apiServer);
    const plan = planCluster({ ...profile.spec, bootstrapper: "selfhosted" }, profile.facts);
    const pki = profilePaths(profile.spec.metadata.name, context).pki;
    const material = await ensureMaterial(plan, pki, context);
    await applyObjects(client, sealObjects(controlPlaneObjects(plan), material), { signal: context.signal });
    const waits = { ...bridges[0]!, wait: waitOptions(context) };
    await rolledOut(client, { kind: "DaemonSet", name: apiServer }, waits);
    for (const bridge of bridges) {
      await waitFor(ownApiServes(bridge), bridge.host, {
        ...waitOptions(context),
        intervalMs: 300,
        code: "CONTROL_PLANE_NOT_READY",
        hint: describePods(plan.spec.metadata.name, apiServer),
      });
    }
    return undefined;
  },
};

/** API servers are objects, and nothing is left of static ones or of a bridge: what is first and what is last of the move. */
async function isMoved({ bridges, client }: MoveState, { signal }: Context): Promise<boolean> {
  const { apiServer: name } = workloadNames;
  if (!(await findWorkload(client, { kind: "DaemonSet", name }, signal))) return false;
  for (const bridge of bridges) {
    const { host } = bridge;
    const manifest = `${host.manifests}/${staticManifest(name)}`;
    const { exitCode } = await host.exec(["test", "-e", manifest], { signal, allowFailure: true });
    if (exitCode === 0 || (await isBridged(bridge))) return false;
  }
  return true;
}

const moveLeaders: Step<MoveState> = {
  id: "move-leaders",
  title: "Controllers",
  async run(state, context) {
    const { bridges, client } = state;
    const { controllerManager, scheduler } = workloadNames;
    for (const name of [scheduler, controllerManager]) {
      await rolledOut(client, { kind: "Deployment", name }, { ...bridges[0]!, wait: waitOptions(context) });
      await endStaticPod(state, name);
      for (const { node } of bridges) await releaseLease(client, name, node, context.signal);
    }
    for (const { host } of bridges)
      await host.exec(["rm", "-rf", staticPodsPath], { signal: context.signal });
    return undefined;
  },
};

const pivotSteps: readonly Step<MoveState>[] = [moveApiServers, endBridges, moveLeaders];
