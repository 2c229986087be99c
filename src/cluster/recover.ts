import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { connect } from "../kube/client.js";
import { credentialsFromKubeconfig } from "../kube/credentials.js";
import { etcdctlSettings } from "../plan/etcd-client.js";
import { placeBootstrap } from "../selfhost/pivot/place-bootstrap.js";
import { checkClock } from "./clock-check.js";
import { bumpAt } from "./etcd-data.js";
import { runOperation, type Step } from "./operation.js";
import { openTheWay, pivotOf, pivotSteps } from "./pivot.js";
import { lockProfile, loggedContext, profileJournal, profilePaths, readProfile } from "./profile.js";
import { type ChosenSnapshot, chooseSnapshot } from "./snapshot/choose.js";
import {
  type EtcdRestore,
  forgetOldData,
  prepareData,
  startMembers,
  stopMembers,
  swapData,
} from "./snapshot/etcd-restore.js";
import { etcdOf } from "./snapshot/finish.js";
import { ensureEtcdutl } from "./snapshot/inspect.js";
import { restartNodeUnits } from "./snapshot/node-units.js";
import { listShelf } from "./snapshot/shelf.js";
import {
  applySystemObjects,
  bootSteps,
  mergeUserKubeconfig,
  startState,
  waitForApi,
  waitForNodes,
} from "./start.js";
import type { StartState } from "./start-state.js";
import { usualWaits } from "./wait-for.js";

/** Where the cluster's objects are read from. */
export const recoverySources = ["api", "etcd", "snapshot", "checkpoints"] as const;
export type RecoverySource = (typeof recoverySources)[number];

export interface RecoverOptions {
  /** @default the first that is possible, in the order of `recoverySources` without checkpoints */
  from?: RecoverySource;
  /** A snapshot's name, `latest`, or a path. */
  snapshot?: string;
  workingDirectory: string;
  /** Take a snapshot file without a description. */
  force: boolean;
  kubeconfigFiles: string[];
}

interface RecoverState extends StartState {
  from: RecoverySource;
  /** Of `snapshot`, when machines that are there get their data from it. */
  etcd?: EtcdRestore;
}

const patienceMs = 180_000;

/**
 * Brings a self-hosted control plane back: a bootstrap control plane from the profile, over the data that there are, then the
 * pivot. Ends with a cluster that works.
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
  const start = await startState(
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
  const from = options.from ?? (options.snapshot ? "snapshot" : await chooseSource(start, context));
  const state: RecoverState = { ...start, from };
  const snapshot = from === "snapshot" ? await useSnapshot(state, options, context) : undefined;
  try {
    await runOperation(`selfhost-recover ${from}`, recoverSteps(state), state, {
      journal: profileJournal(name, context),
      context: loggedContext(name, context),
    });
  } finally {
    state.client?.close();
  }
  return { from, ...(snapshot ? { snapshot: snapshot.label } : {}) };
}

/** The least that helps: what runs is asked first, then what is on disks. */
async function chooseSource(state: StartState, context: Context): Promise<RecoverySource> {
  const { plan, driver } = state;
  const { name } = plan.spec.metadata;
  if (await apiAnswers(name, context)) return "api";
  const machines = (await driver.list(name)).filter(({ role }) => role === "control-plane");
  if (machines.length > 0 && machines.every(({ state: power }) => power !== "running")) return "etcd";
  for (const { name: node } of machines.filter(({ state: power }) => power === "running")) {
    const script = `${etcdctlSettings}exec etcdctl endpoint health --command-timeout=5s`;
    const { exitCode } = await driver.exec(name, node, ["/bin/sh", "-c", script], {
      allowFailure: true,
      signal: context.signal,
    });
    if (exitCode === 0) return "etcd";
  }
  if ((await listShelf(name, context)).length > 0) return "snapshot";
  throw new SlipwayError("RECOVERY_IMPOSSIBLE", `${name}: no API server, no etcd and no snapshot is left`, {
    details: {
      machines:
        machines.length === 0
          ? "none of its control-plane machines is there"
          : "etcd answers on none of them",
    },
    hint: "name a snapshot that you kept elsewhere: --snapshot FILE; or make the cluster anew: slipway delete, slipway start",
  });
}

async function apiAnswers(name: string, context: Context): Promise<boolean> {
  const kubeconfig = await readFile(profilePaths(name, context).breakGlass, "utf8").catch(() => undefined);
  if (kubeconfig === undefined) return false;
  await using client = connect(credentialsFromKubeconfig(kubeconfig));
  try {
    const { status } = await client.request({ path: "/readyz", timeoutMs: 3000, signal: context.signal });
    return status === 200;
  } catch {
    context.signal.throwIfAborted();
    return false;
  }
}

/** Machines that are gone are made over the snapshot; those that are there get its data in place of theirs. */
async function useSnapshot(
  state: RecoverState,
  options: RecoverOptions,
  context: Context,
): Promise<ChosenSnapshot> {
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
  const token = `slipway-${name}-${randomUUID()}`;
  const source = { snapshot: chosen.path, token, bump: bumpAt(context.clock.now()) };
  const machines = (await state.driver.list(name)).filter(({ role }) => role === "control-plane");
  if (machines.some(({ state: power }) => power !== "broken")) {
    state.etcd = { ...etcdOf(state.plan, state.driver), ...source };
  }
  state.etcdSource = source;
  return chosen;
}

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

/** As the checkpointer does it when nothing of a workload runs. */
const activateCheckpoints: Step<RecoverState> = {
  id: "activate-checkpoints",
  title: "Checkpoints",
  async run({ plan, driver }, context) {
    const { name } = plan.spec.metadata;
    let found = 0;
    for (const { name: node } of plan.nodes.filter(({ role }) => role === "control-plane")) {
      const script = `cd /etc/kubernetes/inactive-manifests 2>/dev/null || exit 0
for copy in *.json; do
  [ -e "$copy" ] || continue
  [ -e ../manifests/"$copy" ] || { cp "$copy" ../."$copy".new && mv ../."$copy".new ../manifests/"$copy"; }
  echo "$copy"
done`;
      const { stdout } = await driver.exec(name, node, ["/bin/sh", "-c", script], { signal: context.signal });
      found += stdout.split("\n").filter(Boolean).length;
    }
    if (found > 0) return `${found} activated`;
    throw new SlipwayError("RECOVERY_IMPOSSIBLE", `${name} has no checkpoints on its control-plane nodes`, {
      hint: `recover from etcd or a snapshot: slipway selfhost recover -p ${name}`,
    });
  },
};

function recoverSteps({ from, etcd }: RecoverState): Step<RecoverState>[] {
  const restore = etcd as EtcdRestore;
  const withEtcd = (step: Step<{ etcd: EtcdRestore }>): Step<RecoverState> => ({
    ...step,
    run: (_, context) => step.run({ etcd: restore }, context),
  });
  const fromSnapshot = from === "snapshot" && etcd !== undefined;
  if (from === "checkpoints") {
    return [
      ...bootSteps,
      activateCheckpoints,
      waitForApi,
      applySystemObjects,
      waitForNodes,
      mergeUserKubeconfig,
    ];
  }
  return [
    ...bootSteps,
    ...(fromSnapshot ? [prepareData, stopMembers, swapData, startMembers].map(withEtcd) : []),
    placeBootstrapPods,
    openTheWay,
    waitForApi,
    settleKubelets,
    applySystemObjects,
    ...pivotSteps,
    waitForNodes,
    ...(fromSnapshot ? [forgetOld(restore)] : []),
    mergeUserKubeconfig,
  ];
}

const forgetOld = (etcd: EtcdRestore): Step<RecoverState> => ({
  id: "forget-old-data",
  title: "Removing the data of before",
  async run(_, context) {
    await forgetOldData(etcd, context);
    return undefined;
  },
});
