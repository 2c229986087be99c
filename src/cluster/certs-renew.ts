import { readFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { waitFor } from "../base/condition.js";
import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { applyObjects } from "../kube/apply.js";
import { connect, type KubeClient } from "../kube/client.js";
import { apiReady } from "../kube/conditions.js";
import { credentialsFromKubeconfig } from "../kube/credentials.js";
import { findInKubeconfig, mergeKubeconfig } from "../kube/kubeconfig-file.js";
import { waitForObjects } from "../kube/wait.js";
import { controlPlaneNodes } from "../plan/addresses.js";
import { breakGlass } from "../plan/certificates.js";
import type { KubeObject } from "../plan/kube-object.js";
import type { Material } from "../plan/material.js";
import { type ClusterPlan, planCluster } from "../plan/plan.js";
import { sealObjects } from "../plan/secrets.js";
import { selfhostedNames } from "../plan/selfhosted/files.js";
import { workloadNames } from "../plan/selfhosted/workloads.js";
import { rolledOut } from "../selfhost/rollout.js";
import { isApiReady } from "./api-server.js";
import { checkClock } from "./clock-check.js";
import { hostDriver } from "./driver.js";
import { writeKubeconfigs } from "./kubeconfigs.js";
import { machineSpec } from "./machine-spec.js";
import { ensureMaterial } from "./material.js";
import { runOperation, type Step, skip } from "./operation.js";
import { kubeletsReport } from "./pod-network.js";
import { lockProfile, loggedContext, profileJournal, profilePaths, readProfile } from "./profile.js";
import { handOutRenewed } from "./renewal.js";
import { describePods, waitOptions } from "./selfhost/control-plane.js";
import { hasFilesHash, rollChangedFiles } from "./selfhost/files-hash.js";
import { serves } from "./selfhost/served-certificate.js";
import { ensureNodeSoftware } from "./software.js";

interface RenewState {
  plan: ClusterPlan;
  kubeconfigFiles: string[];
  material?: Material;
  /** The nodes that were given new certificates while they run, and when. */
  handedOut?: { since: Date; nodes: string[] };
}

/** For the API server and the kubelets each, to come back with what is new. */
const patienceMs = 120_000;

/**
 * Makes every leaf certificate anew, under the same authorities, and restarts what holds them, node by node; expired ones
 * too. On the host first: a renewal that was killed is finished by running it again, or by a start.
 *
 * @param kubeconfigFiles the user's, where the cluster's entry is brought up to date if there is one
 * @throws {SlipwayError} `PROFILE_NOT_FOUND`, `PROFILE_BUSY`, `API_NOT_READY`, `NODE_NOT_READY`; as `checkClock`
 */
export async function renewCertificates(
  name: string,
  { kubeconfigFiles }: { kubeconfigFiles: string[] },
  context: Context,
): Promise<void> {
  await readProfile(name, context);
  await checkClock(name, context);
  await using _lock = await lockProfile(name, context);
  const { spec, facts } = await readProfile(name, context);
  if (spec.bootstrapper === "selfhosted") await refuseWithoutApi(name, context);
  await runOperation<RenewState>(
    "certs-renew",
    renewSteps,
    { plan: planCluster(spec, facts), kubeconfigFiles },
    {
      journal: profileJournal(name, context),
      context: loggedContext(name, context),
    },
  );
}

/**
 * A self-hosted control plane takes new certificates through its own API.
 *
 * @throws {SlipwayError} `API_NOT_READY` where it should serve and does not
 */
async function refuseWithoutApi(name: string, context: Context): Promise<void> {
  const machines = await hostDriver(context).list(name);
  if (!machines.some(({ role, state }) => role === "control-plane" && state === "running")) return;
  const kubeconfig = await readFile(profilePaths(name, context).breakGlass, "utf8");
  if (await isApiReady(credentialsFromKubeconfig(kubeconfig), context)) return;
  throw new SlipwayError(
    "API_NOT_READY",
    `${name}: its API does not answer, by which its pods get certificates`,
    {
      hint: `slipway selfhost recover -p ${name} brings it back; expired certificates are made anew by it`,
    },
  );
}

const reissue: Step<RenewState> = {
  id: "reissue-certificates",
  title: "New certificates",
  async run(state, context) {
    const { name } = state.plan.spec.metadata;
    const { pki } = profilePaths(name, context);
    state.material = await ensureMaterial(state.plan, pki, context, { renewLeaves: true });
    await writeKubeconfigs(name, state.material, context);
    return `${state.plan.certificates.length} issued`;
  },
};

const configureNodes: Step<RenewState> = {
  id: "configure-nodes",
  title: "Nodes",
  async run(state, context) {
    const { plan } = state;
    const material = state.material!;
    const { name } = plan.spec.metadata;
    const software = await ensureNodeSoftware(plan.spec, {}, context);
    const driver = hostDriver(context);
    const machines = await driver.list(name);
    for (const machine of machines.filter(({ state: power }) => power === "stopped")) {
      const node = plan.nodes.find((planned) => planned.name === machine.name);
      if (node) await driver.configure(machineSpec(plan, node, software, material), context);
    }
    const paused = machines.filter(({ state: power }) => power === "paused");
    if (paused.length > 0) {
      // The mark of the renewal stays.
      context.events({
        type: "warning",
        message: `${paused.map((machine) => machine.name).join(", ")}: paused, and still with the old certificates`,
        hint: `slipway start -p ${name}`,
      });
      return skip("paused");
    }
    const running = machines.filter(({ state: power }) => power === "running");
    const since = await handOutRenewed({ plan, driver, software, material }, running, context);
    if (since) state.handedOut = { since, nodes: running.map((machine) => machine.name) };
    return machines.map((machine) => machine.name).join(", ");
  },
};

const waitForCluster: Step<RenewState> = {
  id: "wait-for-cluster",
  title: "Ready",
  async run({ plan, material, handedOut }, context) {
    const controlPlane = plan.nodes.filter(({ role }) => role === "control-plane");
    if (!handedOut || !controlPlane.some((node) => handedOut.nodes.includes(node.name))) {
      return skip("the control plane does not run");
    }
    const { name } = plan.spec.metadata;
    const wait = {
      timeoutMs: patienceMs,
      signal: context.signal,
      events: context.events,
      clock: context.clock,
      hint: `slipway logs -p ${name} --problems`,
    };
    await using client = connect(credentialsFromKubeconfig(material!.get(`kubeconfig/${breakGlass}`)!));
    await waitFor(apiReady(), client, { ...wait, code: "API_NOT_READY" });
    const reported = kubeletsReport(handedOut.nodes, handedOut.since);
    await waitForObjects(reported, client, { ...wait, code: "NODE_NOT_READY" });
    await applyObjects(client, objectsWithSecrets(plan, material!), { signal: context.signal });
    if (plan.spec.bootstrapper !== "units") await podsTakeUp(plan, material!, client, context);
    return undefined;
  },
};

/**
 * Pods of the control plane serve with what is new. Kubelets bring a Secret's change into its volume within a minute or two,
 * where API servers read it again; controller manager and scheduler are rolled out.
 */
async function podsTakeUp(
  plan: ClusterPlan,
  material: Material,
  client: KubeClient,
  context: Context,
): Promise<void> {
  const { spec } = plan;
  const { name } = spec.metadata;
  const rolling = await rollChangedFiles({ client, plan, material }, context.signal);
  const certificate = material.get(`pki/${selfhostedNames.apiServer}.crt`)!;
  for (const { address } of controlPlaneNodes(spec)) {
    await waitFor(serves(certificate, { host: address, port: spec.apiServer.port }), undefined, {
      ...waitOptions(context),
      intervalMs: 1000,
      code: "CONTROL_PLANE_NOT_READY",
      hint: describePods(name, workloadNames.apiServer),
    });
  }
  const waits = {
    wait: waitOptions(context),
    describe: (workload: { name: string }) => describePods(name, workload.name),
  };
  for (const workload of rolling) await rolledOut(client, workload, waits);
}

/** The objects that carry certificates into pods, which take them up from their volumes. */
function objectsWithSecrets(plan: ClusterPlan, material: Material): KubeObject[] {
  const objects = plan.objects.flatMap((group) => group.objects).filter((object) => !hasFilesHash(object));
  return sealObjects(objects, material).filter((sealed, i) => !isDeepStrictEqual(sealed, objects[i]));
}

const refreshUserKubeconfig: Step<RenewState> = {
  id: "merge-kubeconfig",
  title: "kubectl",
  async run({ plan, material, kubeconfigFiles }, context) {
    const { name } = plan.spec.metadata;
    const entry = await findInKubeconfig(kubeconfigFiles, name);
    if (!entry?.isOurs) return skip("the cluster is not in the kubeconfig");
    await mergeKubeconfig(kubeconfigFiles, material!.get("kubeconfig/admin")!, {
      profile: name,
      keepContext: true,
      owner: context.owner,
    });
    return `context ${name}`;
  },
};

const renewSteps: Step<RenewState>[] = [reissue, configureNodes, waitForCluster, refreshUserKubeconfig];
