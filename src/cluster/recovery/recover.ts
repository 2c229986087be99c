import { randomUUID } from "node:crypto";
import type { Context } from "../../base/context.js";
import { SlipwayError } from "../../base/errors.js";
import { controlPlaneNodes } from "../../plan/addresses.js";
import { places } from "../../plan/places.js";
import { placeBootstrap } from "../../selfhost/pivot/place-bootstrap.js";
import { checkClock } from "../clock-check.js";
import { bumpAt } from "../etcd-data.js";
import { waitForKubelets } from "../kubelets.js";
import { machineSpec } from "../machine-spec.js";
import { runOperation, type Step, skip } from "../operation.js";
import { openTheWay, pivotOf, pivotSteps } from "../pivot.js";
import { lockProfile, loggedContext, profileJournal, readProfile } from "../profile.js";
import { chooseSnapshot } from "../snapshot/choose.js";
import {
  type EtcdRestore,
  forgetOldData,
  keepOldData,
  prepareData,
  startMembers,
  stopMembers,
  swapData,
} from "../snapshot/etcd-restore.js";
import { etcdOf } from "../snapshot/finish.js";
import { ensureEtcdutl } from "../snapshot/inspect.js";
import { restartNodeUnits } from "../snapshot/node-units.js";
import {
  applySystemObjects,
  bootMachines,
  bootSteps,
  issueCertificates,
  joinEtcd,
  mergeUserKubeconfig,
  resolveComponents,
  rollOutChanges,
  startState,
  waitForApi,
  waitForNodes,
} from "../start.js";
import type { StartState } from "../start-state.js";
import { usualWaits } from "../wait-for.js";
import {
  activateCheckpoints,
  applyWorkloadsOfCopies,
  awaitWorkloads,
  endOutlivedApiServers,
} from "./checkpoints.js";
import { chooseSource, type RecoverySource, type WhatIsLeft } from "./choose-source.js";
import { dropExpiredCopies, replaceExpiredPods } from "./expired.js";
import { controlPlaneMachines, whatIsLeft } from "./what-is-left.js";

export interface RecoverOptions {
  /** @default chosen by what is left (choose-source.ts) */
  from?: RecoverySource;
  /** A snapshot's name, `latest`, or a path. */
  snapshot?: string;
  workingDirectory: string;
  /** Take a snapshot file without a description. */
  force: boolean;
  kubeconfigFiles: string[];
}

interface RecoverState extends StartState {
  from?: RecoverySource;
  /** Data that take the place of those of the machines that are there. */
  etcd?: EtcdRestore;
  /** What takes their place was not asked for by name: the old ones stay, for a look. */
  keepOldData?: boolean;
  /** What was found, when the source was not named. */
  left?: WhatIsLeft;
  /** Of the snapshot that is used. */
  label?: string;
}

const patienceMs = 180_000;

/**
 * Brings a self-hosted control plane back: a bootstrap control plane from the profile, over the data that there are, then the
 * pivot; or the copies on the nodes' disks, until their workloads are back. Certificates that have expired are made anew first,
 * under the same authorities. Ends with a cluster that works.
 *
 * @returns where from
 * @throws {SlipwayError} `RECOVERY_IMPOSSIBLE` when nothing is left to recover from; as a start
 */
export async function recoverCluster(
  name: string,
  options: RecoverOptions,
  context: Context,
): Promise<{ from: RecoverySource; snapshot?: string }> {
  await readProfile(name, context);
  await checkClock(name, context);
  await using _lock = await lockProfile(name, context);
  const profile = await readProfile(name, context);
  if (profile.spec.bootstrapper !== "selfhosted") {
    throw new SlipwayError("USAGE", `${name} has no self-hosted control plane`, {
      hint: `what it has is brought back by slipway start -p ${name}, or slipway snapshot restore -p ${name}`,
    });
  }
  const state: RecoverState = await startState(
    {
      profile,
      waitFor: usualWaits(profile.spec),
      waitTimeoutMs: patienceMs,
      kubeconfigFiles: options.kubeconfigFiles,
      keepContext: true,
      components: {},
    },
    context,
  );
  const from = options.from ?? (options.snapshot === undefined ? undefined : "snapshot");
  if (from !== undefined) state.from = from;
  const run = (operation: string, steps: readonly Step<RecoverState>[]) =>
    runOperation(operation, steps, state, {
      journal: profileJournal(name, context),
      context: loggedContext(name, context),
    });
  try {
    if (from === undefined || from === "checkpoints") await run("selfhost-recover", lookSteps);
    const source = state.from ?? chooseSource(state.left!);
    state.from = source;
    if (source === "snapshot") await useSnapshot(state, options, context);
    if (source === "checkpoints") beginAnew(state, context);
    await run(`selfhost-recover ${source}`, recoverSteps(state));
    return { from: source, ...(state.label === undefined ? {} : { snapshot: state.label }) };
  } finally {
    state.client?.close();
  }
}

/** Machines that are gone are made over the snapshot; those that are there get its data in place of theirs. */
async function useSnapshot(state: RecoverState, options: RecoverOptions, context: Context): Promise<void> {
  const { spec } = state.plan;
  const { name } = spec.metadata;
  const etcdutl = await ensureEtcdutl(spec.kubernetesVersion, context);
  const { workingDirectory, force, snapshot: wanted } = options;
  const chosen = await chooseSnapshot(
    spec,
    { ...(wanted === undefined ? {} : { wanted }), workingDirectory, force },
    etcdutl,
    context,
  );
  replaceData(state, chosen.path, context);
  state.label = chosen.label;
  if (state.left?.etcd === "silent") {
    state.keepOldData = true;
    context.events({
      type: "warning",
      message: `etcd has data and does not answer: going back to the snapshot ${chosen.label}; what it has is kept`,
    });
  }
  const machines = await controlPlaneMachines(state.driver, name);
  if (machines.length === 0) delete state.etcd;
}

/** All members get data from this snapshot; machines that are made are made over it. */
function replaceData(state: RecoverState, snapshot: string, { clock }: Context): void {
  const token = `slipway-${state.plan.spec.metadata.name}-${randomUUID()}`;
  const source = { snapshot, token, bump: bumpAt(clock.now()) };
  state.etcd = { ...etcdOf(state.plan, state.driver), ...source };
  state.etcdSource = source;
}

/**
 * Checkpoints hold the control plane, and nothing else of the cluster: where etcd's data are gone it begins with none.
 *
 * @throws {SlipwayError} `RECOVERY_IMPOSSIBLE` for an etcd that has data and does not answer: they are not thrown away
 */
function beginAnew(state: RecoverState, context: Context): void {
  const { name } = state.plan.spec.metadata;
  const etcd = state.left?.etcd;
  if (etcd === "silent") {
    throw new SlipwayError("RECOVERY_IMPOSSIBLE", `${name}: etcd has data and does not answer`, {
      hint: `what keeps it: slipway logs -p ${name} --unit etcd. To do without its data, move /var/lib/etcd/member away on each control-plane node (slipway ssh), and recover again`,
    });
  }
  if (etcd === "holds") return;
  if (etcd === "none") replaceData(state, state.software!.etcdSeed.snapshot, context);
  context.events({
    type: "warning",
    message: "etcd's data are gone: the control plane comes back, and no other object of the cluster does",
  });
}

/** Machines that are there run, with certificates that are good; none is made. */
const wakeMachines: Step<RecoverState> = {
  id: "wake-machines",
  title: "Nodes",
  async run(state, context) {
    const { plan, driver, software, material } = state;
    const cluster = plan.spec.metadata.name;
    if ((await controlPlaneMachines(driver, cluster)).length === 0) return skip("none is there");
    for (const machine of await driver.list(cluster)) {
      const node = plan.nodes.find(({ name }) => name === machine.name);
      if (machine.state === "stopped" && node)
        await driver.configure(machineSpec(plan, node, software!, material!), context);
    }
    return bootMachines.run(state, context);
  },
};

const look: Step<RecoverState> = {
  id: "look",
  title: "What is left",
  async run(state, context) {
    const { plan, driver } = state;
    state.left = await whatIsLeft(plan.spec, driver, context);
    return state.from ?? chooseSource(state.left);
  },
};

const lookSteps: readonly Step<RecoverState>[] = [resolveComponents, issueCertificates, wakeMachines, look];

const placeBootstrapPods: Step<RecoverState> = {
  id: "place-bootstrap",
  title: "Bootstrap control plane",
  async run(state, context) {
    const { host } = pivotOf(state, context);
    await placeBootstrap(host, state.plan.bootstrap ?? [], state.material!, context.signal);
    return host.name;
  },
};

/** What objects say of nodes and pods is from before the loss until kubelets report. */
const settleKubelets: Step<RecoverState> = {
  id: "settle-kubelets",
  title: "Kubelets",
  async run(state, context) {
    state.renewedAt = await restartNodeUnits(state, context);
    return undefined;
  },
};

/**
 * In an etcd without Nodes each kubelet makes its own, with what it has to give. One that begins beside a Node of ours, which says
 * nothing of that yet, admits no pod, and asks again of no static one.
 */
const awaitKubelets: Step<RecoverState> = {
  id: "await-kubelets",
  title: "Nodes",
  async run(state, context) {
    const nodes = controlPlaneNodes(state.plan.spec).map(({ name }) => name);
    await waitForKubelets(nodes, state, context);
    return undefined;
  },
};

function recoverSteps({ from, etcd, keepOldData, left }: RecoverState): Step<RecoverState>[] {
  const restore = etcd as EtcdRestore;
  const withEtcd = (step: Step<{ etcd: EtcdRestore }>): Step<RecoverState> => ({
    ...step,
    run: (_, context) => step.run({ etcd: restore }, context),
  });
  const replace = etcd ? [prepareData, stopMembers, swapData, startMembers].map(withEtcd) : [];
  const end = [waitForNodes, ...(etcd ? [oldData(restore, keepOldData)] : []), mergeUserKubeconfig];
  if (from === "checkpoints") {
    return [
      ...bootSteps,
      ...replace,
      ...(left?.etcd === "holds" ? [] : [endOutlivedApiServers]),
      activateCheckpoints,
      waitForApi,
      settleKubelets,
      awaitKubelets,
      applyWorkloadsOfCopies,
      applySystemObjects,
      awaitWorkloads,
      ...end,
    ];
  }
  return [
    ...bootSteps,
    ...replace,
    dropExpiredCopies,
    placeBootstrapPods,
    openTheWay,
    waitForApi,
    settleKubelets,
    replaceExpiredPods,
    applySystemObjects,
    joinEtcd,
    rollOutChanges,
    ...pivotSteps,
    ...end,
  ];
}

const oldData = (etcd: EtcdRestore, keep = false): Step<RecoverState> => ({
  id: "forget-old-data",
  title: keep ? "Keeping the data of before" : "Removing the data of before",
  async run(_, context) {
    if (!keep) {
      await forgetOldData(etcd, context);
      return undefined;
    }
    const place = `${places.etcdData}/before-${context.clock.now().toISOString().replaceAll(":", "-")}`;
    await keepOldData(etcd, place, context);
    return place;
  },
});
