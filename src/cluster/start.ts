import { rm } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { type Condition, met, unmet, waitFor } from "../base/condition.js";
import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { applyObjects } from "../kube/apply.js";
import { connect, type KubeClient } from "../kube/client.js";
import { apiReady, defaultServiceAccount, deploymentAvailable, nodesReady } from "../kube/conditions.js";
import { credentialsFromKubeconfig } from "../kube/credentials.js";
import { mergeKubeconfig } from "../kube/kubeconfig-file.js";
import { waitForObjects } from "../kube/wait.js";
import type { Machine } from "../machines/driver.js";
import { findAddon } from "../plan/addons/addons.js";
import { firstPod, rootCaObject } from "../plan/addons/first-pod.js";
import { controlPlaneNodes, isHighlyAvailable } from "../plan/addresses.js";
import { breakGlass } from "../plan/certificates.js";
import type { KubeObject } from "../plan/kube-object.js";
import { type ClusterPlan, controlPlaneObjects, type PlannedNode, planCluster } from "../plan/plan.js";
import { sealObjects } from "../plan/secrets.js";
import { withBootstrap } from "../plan/selfhosted/plan.js";
import { withStaticPods } from "../plan/selfhosted/static.js";
import { workloadNames } from "../plan/selfhosted/workloads.js";
import { releaseDeadLease } from "../selfhost/pivot/leases.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { cniManifest } from "./cni-manifest.js";
import { hostDriver } from "./driver.js";
import { makeEtcdData } from "./etcd-data.js";
import { readVoters, writeVoters } from "./etcd-members.js";
import { joinNodes, nodesToJoin } from "./join.js";
import { writeKubeconfigs } from "./kubeconfigs.js";
import { waitForKubelets } from "./kubelets.js";
import { clusterNetwork, machineSpec } from "./machine-spec.js";
import { ensureMaterial } from "./material.js";
import { sandboxPart, writeMetalConfigs } from "./metal.js";
import { runOperation, type Step, skip } from "./operation.js";
import { openTheWay, pivotSteps } from "./pivot.js";
import { networkWaits, tellOfMissingNetwork } from "./pod-network.js";
import { checkHost } from "./preflight.js";
import { lockProfile, loggedContext, profileJournal, profilePaths, writeProfile } from "./profile.js";
import { deploymentsRunSince, nodesReadySince } from "./ready.js";
import { bridgeExpiry, replaceExpiredPods } from "./recovery/expired.js";
import { type HandOut, handOutRenewed } from "./renewal.js";
import { forgetRollout, pendingRollout, rollOut } from "./rollout.js";
import { rollChangedFiles } from "./selfhost/files-hash.js";
import { lateFlags } from "./selfhost/late-flags.js";
import { reshapeApiServers, reshapeControllers } from "./selfhost/reshape.js";
import { finishRestore } from "./snapshot/finish.js";
import { pendingRestore } from "./snapshot/pending.js";
import { ensureNodeSoftware } from "./software.js";
import type { StartOptions, StartState } from "./start-state.js";
import type { WaitFor } from "./wait-for.js";

/** A cluster that is up. */
export interface StartedCluster {
  name: string;
  spec: ClusterSpec;
  /** Path of the administrator's own kubeconfig. */
  kubeconfig: string;
  /** `https://10.77.0.2:6443` */
  server: string;
}

/**
 * Makes a cluster as its profile says, or brings it back: every step does only what is missing.
 *
 * @throws {SlipwayError} `PROFILE_BUSY`, `COMPONENT_UNAVAILABLE`, `MACHINE_FAILED`, `API_NOT_READY`, `NODE_NOT_READY`, …
 */
export async function startCluster(options: StartOptions, context: Context): Promise<StartedCluster> {
  const { name } = options.profile.spec.metadata;
  const state = await startState(options, context);
  await checkHost(sandboxPart(state.plan.spec), state.driver, context);
  await using _lock = await lockProfile(name, context);
  await writeProfile(context, options.profile);
  const journal = profileJournal(name, context);
  const last = await journal.lastRun();
  if (last?.outcome === "killed") {
    // A start does not end what moves the control plane.
    const goesOn = !/^selfhost-(upgrade|unpivot|pivot)$/.test(last.operation);
    context.events({
      type: "info",
      message: `the last ${last.operation} was cut short at ${last.step}; ${goesOn ? "going on from there" : "run that again after this start"}`,
    });
  }
  try {
    const restoring = (await pendingRestore(name, context)) !== undefined;
    const reshaped = (await pendingRollout(name, context)) !== undefined;
    await runOperation("start", startSteps(state.plan, { restoring, reshaped }), state, {
      journal,
      context: loggedContext(name, context),
    });
  } finally {
    state.client?.close();
  }
  const paths = profilePaths(name, context);
  return { name, spec: options.profile.spec, kubeconfig: paths.kubeconfig, server: apiServer(state.plan) };
}

/** @throws {SlipwayError} `CONFIG_INVALID` when the CNI manifest that a new cluster needs cannot be read. */
export async function startState(options: StartOptions, context: Context): Promise<StartState> {
  const { spec, facts } = options.profile;
  const driver = hostDriver(context);
  const manifest = await cniManifest(spec, driver, context);
  return { options, plan: planCluster(spec, facts, manifest), driver, joining: [] };
}

export const resolveComponents: Step<StartState> = {
  id: "resolve-components",
  title: "Components",
  async run(state, context) {
    state.software = await ensureNodeSoftware(state.plan.spec, state.options.components, context);
    return state.software.summary;
  },
};

export const issueCertificates: Step<StartState> = {
  id: "issue-certificates",
  title: "Certificates",
  async run(state, context) {
    const { name } = state.plan.spec.metadata;
    state.material = await ensureMaterial(state.plan, profilePaths(name, context).pki, context);
    // An endpoint that the cluster moves to answers later: the step "roll-out" writes them then.
    if (!(await pendingRollout(name, context))) await writeKubeconfigs(name, state.material, context);
    return undefined;
  },
};

const handOutConfigs: Step<StartState> = {
  id: "hand-out-configs",
  title: "Configs of metal",
  async run({ plan, material }, context) {
    const names = await writeMetalConfigs(plan, material!, context);
    return names.length === 0 ? skip("there is none") : names.join(", ");
  },
};

const createMachines: Step<StartState> = {
  id: "create-machines",
  title: "Nodes",
  async run(state, context) {
    const { plan, driver } = state;
    const { name: cluster } = plan.spec.metadata;
    await driver.ensureNetwork(clusterNetwork(plan.spec), context);
    const names = sandboxPart(plan.spec).nodes.map(({ name }) => name);
    const machines = await driver.list(cluster);
    // From a snapshot all members begin at once, whoever was lost.
    state.joining = state.etcdSource ? [] : await nodesToJoin(plan, machines, context);
    const nodes = plan.nodes.filter((node) => names.includes(node.name) && !state.joining.includes(node));
    await Promise.all(nodes.map((node) => layOut(atFirstBoot(node, plan, machines), state, context)));
    await noteFirstVoters(state, context);
    return names.join(", ");
  },
};

/**
 * A control plane of static pods has them from its first boot on. Of a self-hosted one, the cluster's first machine has the
 * bootstrap control plane then.
 */
function atFirstBoot(node: PlannedNode, plan: ClusterPlan, machines: readonly Machine[]): PlannedNode {
  if (plan.spec.bootstrapper === "static" && node.role === "control-plane")
    return machines.some(({ name }) => name === node.name)
      ? node
      : { ...node, config: withStaticPods(node.config, plan.spec) };
  const isFirst = node.name === plan.nodes[0]?.name;
  if (!plan.bootstrap || !isFirst || machines.some(({ role }) => role === "control-plane")) return node;
  return { ...node, config: withBootstrap(node.config, plan.bootstrap) };
}

/** Before the first of them runs: a control-plane node that is made later is one that joins them. */
async function noteFirstVoters({ plan, joining }: StartState, context: Context): Promise<void> {
  const { name } = plan.spec.metadata;
  if (!isHighlyAvailable(plan.spec) || joining.length > 0) return;
  const voters = plan.nodes.filter(({ role }) => role === "control-plane").map((node) => node.name);
  if (!isDeepStrictEqual(await readVoters(name, context), voters)) await writeVoters(name, voters, context);
}

/** A node's machine as the plan has it: a new one is made, one that is off takes the config of today, others are left alone. */
async function layOut(
  node: PlannedNode,
  { plan, driver, software, material, etcdSource }: StartState,
  context: Context,
): Promise<void> {
  const found = await driver.inspect(plan.spec.metadata.name, node.name);
  if (found?.state === "running" || found?.state === "paused") return;
  if (found?.state === "stopped") {
    return driver.configure(machineSpec(plan, node, software!, material!), context);
  }
  const etcdData =
    node.role === "control-plane"
      ? await makeEtcdData(plan.spec, node, software!, context, etcdSource)
      : undefined;
  await driver.create(machineSpec(plan, node, software!, material!, etcdData), context);
  if (etcdData) await rm(etcdData, { recursive: true, force: true });
}

export const bootMachines: Step<StartState> = {
  id: "boot-machines",
  title: "Boot",
  async run(state, context) {
    const { plan, driver } = state;
    const { name } = plan.spec.metadata;
    const joining = new Set(state.joining.map((node) => node.name));
    const machines = (await driver.list(name)).filter((machine) => !joining.has(machine.name));
    const off = machines.filter((machine) => machine.state !== "running");
    const handOut = handOutOf(state);
    if (off.length === 0) {
      state.renewedAt = await handOutRenewed(handOut, machines, context);
      return skip("every node is running");
    }
    const controlPlane = machines.filter(({ role }) => role === "control-plane");
    if (controlPlane.every((machine) => machine.state === "stopped")) state.bootedAt = context.clock.now();
    else noteAdded(state, namesOf(off.filter((machine) => machine.state === "stopped")), context);
    state.resumed = off.some((machine) => machine.state === "paused");
    await Promise.all(
      off.map((machine) =>
        machine.state === "paused"
          ? driver.resume(name, machine.name, context)
          : driver.start(name, machine.name, context),
      ),
    );
    // Those that were stopped have booted with them.
    const wereUp = machines.filter((machine) => machine.state === "running" || machine.state === "paused");
    state.renewedAt = await handOutRenewed(handOut, wereUp, context);
    return undefined;
  },
};

export const joinEtcd: Step<StartState> = {
  id: "join-etcd",
  title: "etcd",
  async run(state, context) {
    const { joining, options } = state;
    if (joining.length === 0) return skip("every member is there");
    noteAdded(state, namesOf(joining), context);
    await joinNodes(handOutOf(state), joining, options.waitTimeoutMs, context);
    return `${namesOf(joining).join(", ")} joined`;
  },
};

export const rollOutChanges: Step<StartState> = {
  id: "roll-out",
  title: "Other nodes",
  async run(state, context) {
    const { plan, joining, options } = state;
    const { name } = plan.spec.metadata;
    const before = await pendingRollout(name, context);
    if (!before) return skip("nothing changed for them");
    const upToDate = namesOf(joining);
    const changed = await rollOut(
      handOutOf(state),
      before,
      { upToDate, timeoutMs: options.waitTimeoutMs },
      context,
    );
    await writeKubeconfigs(name, state.material!, context);
    return changed.join(", ");
  },
};

/** All nodes, and the control plane's objects, are as the plan has them. */
const endRollOut: Step<StartState> = {
  id: "end-roll-out",
  title: "Shape",
  async run({ plan }, context) {
    const { name } = plan.spec.metadata;
    if (!(await pendingRollout(name, context))) return skip("as it was");
    await forgetRollout(name, context);
    return undefined;
  },
};

const namesOf = (things: readonly { name: string }[]): string[] => things.map(({ name }) => name);

const handOutOf = ({ plan, driver, software, material }: StartState): HandOut => ({
  plan,
  driver,
  software: software!,
  material: material!,
});

function noteAdded(state: StartState, nodes: readonly string[], context: Context): void {
  if (nodes.length === 0) return;
  const { nodes: before = [], since = context.clock.now() } = state.added ?? {};
  state.added = { nodes: [...before, ...nodes], since };
}

export const waitForApi: Step<StartState> = {
  id: "wait-for-api",
  title: "Control plane",
  async run(state, context) {
    state.client = connect(credentialsFromKubeconfig(state.material!.get(`kubeconfig/${breakGlass}`)!));
    await waitForApiServer(apiServes, state, context);
    await forgetDeadLeaders(state, context);
    return apiServer(state.plan);
  },
};

async function forgetDeadLeaders(
  { plan, client, bootedAt, resumed }: StartState,
  context: Context,
): Promise<void> {
  const { spec } = plan;
  if (resumed || (spec.bootstrapper === "units" && !isHighlyAvailable(spec))) return;
  const { signal, clock } = context;
  for (const component of [workloadNames.controllerManager, workloadNames.scheduler])
    await releaseDeadLease(client!, component, { bootedAt, now: clock.now(), signal });
}

/** Earlier than ready: it answers, and has made the namespace that everything of ours goes into. */
const apiServes: Condition<KubeClient> = {
  name: "the API server answers",
  check: async (client, { signal }) =>
    (await client.find("/api/v1/namespaces/kube-system", { signal, timeoutMs: 2000 }))
      ? met()
      : unmet("there is no namespace kube-system yet"),
};

const waitForApiServer = (
  condition: Condition<KubeClient>,
  { plan, client, options }: StartState,
  { signal, events, clock }: Context,
): Promise<void> =>
  waitFor(condition, client!, {
    timeoutMs: options.waitTimeoutMs,
    intervalMs: 25,
    signal,
    events,
    clock,
    code: "API_NOT_READY",
    hint: apiLogs(plan),
  });

const apiLogs = ({ spec, nodes }: ClusterPlan): string =>
  spec.bootstrapper === "selfhosted"
    ? `slipway selfhost recover -p ${spec.metadata.name}`
    : `slipway logs -p ${spec.metadata.name} -n ${nodes.find(({ role }) => role === "control-plane")?.name} --unit kube-apiserver`;

export const applySystemObjects: Step<StartState> = {
  id: "apply-objects",
  title: "Add-ons",
  async run(state, context) {
    const { plan, client } = state;
    const apply = (objects: KubeObject[]) => applyObjects(client!, objects, { signal: context.signal });
    await apply(await firstObjects(state, context));
    await waitForApiServer(apiReady(), state, context);
    const objects = plan.objects.flatMap((group) => group.objects);
    const own = sealObjects(await keepEdited(objects, state, context), state.material!);
    // A scheduler that knows what one node has to give, and of no other, gives it all of them, and there they stay.
    const spread = isHighlyAvailable(plan.spec) ? own.filter(isLeaderElected) : [];
    await apply(own.filter((object) => !spread.includes(object)));
    if (spread.length > 0) {
      // Machines of metal come when somebody switches them on.
      const ours = namesOf(sandboxPart(plan.spec).nodes);
      const names = namesOf(controlPlaneNodes(plan.spec)).filter((name) => ours.includes(name));
      await waitForKubelets(names, state, context);
      await apply(spread);
    }
    if (plan.spec.bootstrapper === "selfhosted")
      await rollChangedFiles({ client: client!, plan, material: state.material! }, context.signal);
    return plan.spec.addons.join(", ");
  },
};

/** Of a self-hosted control plane: one on each of its nodes, if that can be. */
const isLeaderElected = ({ kind, metadata: { namespace, name } }: KubeObject): boolean =>
  kind === "Deployment" &&
  namespace === "kube-system" &&
  (name === workloadNames.controllerManager || name === workloadNames.scheduler);

/** Without those of a self-hosted control plane that are there: its versions and flags are changed where it runs. */
async function keepEdited(
  objects: readonly KubeObject[],
  { plan, client }: StartState,
  { signal, events }: Context,
): Promise<KubeObject[]> {
  const workloads = new Set(
    controlPlaneObjects(plan).filter(({ kind }) => kind === "DaemonSet" || kind === "Deployment"),
  );
  if (workloads.size === 0) return [...objects];
  const there = new Set<KubeObject>();
  const live: KubeObject[] = [];
  for (const workload of workloads) {
    const { namespace, name } = workload.metadata;
    const path = `/apis/apps/v1/namespaces/${namespace}/${workload.kind.toLowerCase()}s/${name}`;
    const found = await client!.find<KubeObject>(path, { signal });
    if (!found) continue;
    there.add(workload);
    live.push(found);
  }
  const late = lateFlags(plan.spec, live);
  if (late.length > 0) {
    const name = plan.spec.metadata.name;
    events({
      type: "warning",
      message: `the control plane runs on without ${late.join(", ")}: the next upgrade brings it in; now, slipway selfhost unpivot -p ${name}, then slipway selfhost pivot -p ${name}`,
    });
  }
  return objects.filter((object) => !there.has(object));
}

/**
 * What a new cluster's DNS needs to start while the rest of the control plane still does (plan/addons/first-pod.ts); nothing
 * where DNS was there before.
 */
async function firstObjects({ plan, client, material }: StartState, context: Context): Promise<KubeObject[]> {
  const group = (name: string) => plan.objects.find((objects) => objects.name === name)?.objects ?? [];
  const deployment = group("coredns").find(({ kind }) => kind === "Deployment");
  const [controlPlane] = plan.nodes.filter(({ role }) => role === "control-plane");
  if (!deployment || !controlPlane) return [];
  const { name, namespace = "kube-system" } = deployment.metadata;
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  if (await client!.find(path, { signal: context.signal })) return [];
  return [
    ...group("nodes"),
    // Addresses of Services are given out once the API server is ready, and the Deployment must find its pod.
    ...group("coredns").filter(({ kind }) => kind !== "Service" && kind !== "Deployment"),
    rootCaObject(namespace, material!.get("pki/ca.crt")!),
    ...firstPod(deployment, controlPlane.name),
  ];
}

export const waitForNodes: Step<StartState> = {
  id: "wait-for-nodes",
  title: "Ready",
  async run(state, context) {
    const { plan, client, options } = state;
    const wait = {
      timeoutMs: options.waitTimeoutMs,
      signal: context.signal,
      events: context.events,
      clock: context.clock,
    };
    const { bootedAt } = state;
    const since = bootedAt ?? state.renewedAt;
    // Machines of metal come when somebody switches them on.
    const ours = sandboxPart(plan.spec);
    const names = ours.nodes.map(({ name }) => name);
    const waits: Promise<void>[] = [];
    if (options.waitFor.has("node_ready")) {
      const ready = since ? nodesReadySince(names, since) : nodesReady(names);
      waits.push(waitForObjects(ready, client!, { ...wait, code: "NODE_NOT_READY" }));
      const { added } = state;
      // What the API says of them may be of before.
      if (added && !since) {
        const again = nodesReadySince(added.nodes, added.since);
        waits.push(waitForObjects(again, client!, { ...wait, code: "NODE_NOT_READY" }));
      }
    }
    if (options.waitFor.has("default_sa")) {
      waits.push(waitForObjects(defaultServiceAccount(), client!, { ...wait, code: "API_NOT_READY" }));
    }
    const deployments = awaitedDeployments(plan.spec, options.waitFor);
    if (deployments.length > 0) {
      for (const deployment of deployments) {
        const available = deploymentAvailable("kube-system", deployment);
        waits.push(waitForObjects(available, client!, { ...wait, code: "ADDON_NOT_READY" }));
      }
      if (bootedAt) {
        const run = deploymentsRunSince(deployments, bootedAt);
        waits.push(waitForObjects(run, client!, { ...wait, code: "ADDON_NOT_READY" }));
      }
    }
    for (const { condition, code } of networkWaits(ours, options.waitFor, bootedAt)) {
      waits.push(waitForObjects(condition, client!, { ...wait, code }));
    }
    await Promise.all(waits);
    await tellOfMissingNetwork(ours, client!, context);
    if (waits.length === 0) return skip("not asked for");
    return undefined;
  },
};

function awaitedDeployments({ addons }: ClusterSpec, waitFor: ReadonlySet<WaitFor>): string[] {
  const awaited = waitFor.has("system_pods") ? addons : waitFor.has("apps_running") ? ["coredns"] : [];
  return addons
    .filter((name) => awaited.includes(name))
    .flatMap((name) => findAddon(name)?.deployments ?? []);
}

export const mergeUserKubeconfig: Step<StartState> = {
  id: "merge-kubeconfig",
  title: "kubectl",
  async run({ plan, options, material }, context) {
    const { name } = plan.spec.metadata;
    await mergeKubeconfig(options.kubeconfigFiles, material!.get("kubeconfig/admin")!, {
      profile: name,
      keepContext: options.keepContext,
      owner: context.owner,
    });
    return options.keepContext ? `context ${name} (not made current)` : `context ${name}`;
  },
};

/** Up to machines that run. */
export const bootSteps: Step<StartState>[] = [
  resolveComponents,
  issueCertificates,
  handOutConfigs,
  createMachines,
  bootMachines,
];

/**
 * @param restoring a restore was cut short, and is ended first
 * @param reshaped whether control planes came or went, which running nodes may not have taken up
 */
export function startSteps(
  { spec }: ClusterPlan,
  { restoring = false, reshaped = false } = {},
): Step<StartState>[] {
  const selfhosted = spec.bootstrapper === "selfhosted";
  const several = isHighlyAvailable(spec);
  const shaping = reshaped || several;
  const onlyIf = (applies: boolean, ...steps: Step<StartState>[]) => (applies ? steps : []);
  // Of a self-hosted one, who calls the endpoint of several leaves it before it goes.
  const endpointLast = selfhosted && !several;
  return [
    ...bootSteps,
    ...onlyIf(restoring, finishRestore),
    ...onlyIf(shaping, joinEtcd),
    ...onlyIf(shaping && !endpointLast, rollOutChanges),
    ...onlyIf(shaping && !selfhosted, endRollOut),
    ...onlyIf(selfhosted, bridgeExpiry, openTheWay),
    waitForApi,
    ...onlyIf(selfhosted, replaceExpiredPods),
    ...onlyIf(selfhosted && shaping, reshapeApiServers),
    applySystemObjects,
    ...onlyIf(selfhosted, ...pivotSteps),
    ...onlyIf(selfhosted && shaping, reshapeControllers),
    ...onlyIf(shaping && endpointLast, rollOutChanges),
    ...onlyIf(selfhosted && shaping, endRollOut),
    waitForNodes,
    mergeUserKubeconfig,
  ];
}

function apiServer({ kubeconfigs }: ClusterPlan): string {
  const admin = kubeconfigs.find(({ name }) => name === "admin");
  if (!admin) throw new SlipwayError("INTERNAL", "the plan has no administrator's kubeconfig");
  return admin.server;
}
