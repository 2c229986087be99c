import { randomUUID } from "node:crypto";
import type { Context } from "../../base/context.js";
import { isSlipwayError, messageOf, SlipwayError } from "../../base/errors.js";
import type { KubeNode } from "../../kube/wire.js";
import { checkClock } from "../clock-check.js";
import { bumpAt } from "../etcd-data.js";
import { runOperation, type Step, skip } from "../operation.js";
import { lockProfile, loggedContext, profileJournal, readProfile } from "../profile.js";
import { applySystemObjects, bootSteps, startState, waitForApi, waitForNodes } from "../start.js";
import type { StartState } from "../start-state.js";
import { usualWaits } from "../wait-for.js";
import { type ChosenSnapshot, chooseSnapshot } from "./choose.js";
import {
  type EtcdRestore,
  forgetOldData,
  prepareData,
  putBackOldData,
  startMembers,
  stopMembers,
  swapData,
} from "./etcd-restore.js";
import { etcdOf } from "./finish.js";
import { ensureEtcdutl } from "./inspect.js";
import { restartNodeUnits } from "./node-units.js";
import { markRestore, unmarkRestore } from "./pending.js";
import { takeSnapshot, timeName } from "./save.js";
import { freePlace, sweptShelf } from "./shelf.js";

export interface RestoreOptions {
  /** A snapshot's name, `latest`, or a path. @default the one of a restore that was cut short, else the latest */
  wanted?: string;
  workingDirectory: string;
  /** Take a file that has no description beside it, and so could be of any cluster. */
  force: boolean;
}

export interface RestoreState extends StartState {
  etcd: EtcdRestore;
  etcdutl: string;
  /** The mark of a restore stands, and this run has put it there. */
  marked: boolean;
}

/** For the API server, and for each thing of the nodes. */
const patienceMs = 180_000;

/**
 * Puts a cluster back to what it was when a snapshot was taken. The snapshot is verified before anything is touched; what is
 * there is saved first, and comes back when the restore fails. Machines that are off or gone are brought up as by a start. One
 * that was killed is finished by running it again, or by a start.
 *
 * @throws {SlipwayError} `SNAPSHOT_NOT_FOUND`, `SNAPSHOT_INVALID`, `PROFILE_BUSY`, `API_NOT_READY`, `NODE_NOT_READY`, …
 */
export async function restoreSnapshot(
  name: string,
  options: RestoreOptions,
  context: Context,
): Promise<ChosenSnapshot> {
  await readProfile(name, context);
  await checkClock(name, context);
  await using _lock = await lockProfile(name, context);
  const profile = await readProfile(name, context);
  if (profile.spec.bootstrapper !== "units") {
    throw new SlipwayError(
      "USAGE",
      `${name} has a self-hosted control plane, which snapshot restore does not bring back`,
      {
        hint: "its snapshots are for the recovery of self-hosted control planes; nothing was touched",
      },
    );
  }
  const etcdutl = await ensureEtcdutl(profile.spec.kubernetesVersion, context);
  const snapshot = await chooseSnapshot(profile.spec, options, etcdutl, context);
  const start = await startState(
    {
      profile,
      waitFor: usualWaits(profile.spec),
      waitTimeoutMs: patienceMs,
      kubeconfigFiles: [],
      keepContext: true,
      components: {},
    },
    context,
  );
  const state: RestoreState = {
    ...start,
    etcdutl,
    marked: false,
    etcd: {
      ...etcdOf(start.plan, start.driver),
      snapshot: snapshot.path,
      token: `slipway-${name}-${randomUUID()}`,
      bump: bumpAt(context.clock.now()),
    },
  };
  const how = { journal: profileJournal(name, context), context: loggedContext(name, context) };
  try {
    await runOperation("snapshot-restore", restoreSteps, state, how);
  } catch (error) {
    if (state.marked) throw await undo(error, state, context);
    throw error;
  } finally {
    state.client?.close();
  }
  return snapshot;
}

const saveWhatIsThere: Step<RestoreState> = {
  id: "save-what-is-there",
  title: "Snapshot of what is there",
  async run({ plan, driver, etcdutl }, context) {
    const cluster = plan.spec.metadata.name;
    const name = `before-restore-${timeName(context.clock.now())}`;
    const path = await freePlace(await sweptShelf(cluster, context), name);
    try {
      const source = { spec: plan.spec, driver, etcdutl };
      await takeSnapshot(source, { path, name, reason: "before-restore" }, context);
      return name;
    } catch (error) {
      // A store that is broken is what restores are for.
      if (isSlipwayError(error, "API_UNREACHABLE")) return skip("etcd does not answer");
      if (isSlipwayError(error, "SNAPSHOT_INVALID")) return skip("etcd's data are damaged");
      throw error;
    }
  },
};

const noteRestore: Step<RestoreState> = {
  id: "note-restore",
  title: "Profile",
  async run(state, context) {
    await markRestore(state.plan.spec.metadata.name, { snapshot: state.etcd.snapshot }, context);
    state.marked = true;
    return undefined;
  },
};

const commit: Step<RestoreState> = {
  id: "commit",
  title: "Removing the data of before",
  async run(state, context) {
    await forgetOldData(state.etcd, context);
    // Last: as long as old data are there, somebody has to know of them.
    await unmarkRestore(state.plan.spec.metadata.name, context);
    state.marked = false;
    return undefined;
  },
};

const settleNodes: Step<RestoreState> = {
  id: "settle-nodes",
  title: "Node agents",
  async run(state, context) {
    const { plan, client } = state;
    const { items } = await client!.list<KubeNode>({ path: "/api/v1/nodes" }, { signal: context.signal });
    const known = new Set(plan.nodes.map(({ name }) => name));
    const gone = items.map(({ metadata }) => metadata?.name ?? "").filter((name) => !known.has(name));
    for (const name of gone) {
      await client!.request({ method: "DELETE", path: `/api/v1/nodes/${name}`, signal: context.signal });
    }
    state.renewedAt = await restartNodeUnits(state, context);
    return gone.length === 0 ? undefined : `removed ${gone.join(", ")}, no longer part of the cluster`;
  },
};

const restoreSteps: Step<RestoreState>[] = [
  ...bootSteps,
  saveWhatIsThere,
  prepareData,
  noteRestore,
  stopMembers,
  swapData,
  startMembers,
  waitForApi,
  applySystemObjects,
  commit,
  settleNodes,
  waitForNodes,
];

const undoSteps: Step<RestoreState>[] = [
  stopMembers,
  {
    id: "put-back-old-data",
    title: "Putting the data of before back",
    async run({ etcd }, context) {
      await putBackOldData(etcd, context);
      return undefined;
    },
  },
  startMembers,
  {
    id: "forget-restore",
    title: "Profile",
    async run({ plan }, context) {
      await unmarkRestore(plan.spec.metadata.name, context);
      return undefined;
    },
  },
];

/** Brings back what was there. @returns the error to report */
async function undo(error: unknown, state: RestoreState, context: Context): Promise<unknown> {
  const { name } = state.plan.spec.metadata;
  // Also after Ctrl-C: a control plane that is stopped helps nobody.
  const calm = { ...context, signal: new AbortController().signal };
  try {
    await runOperation("snapshot-restore-undo", undoSteps, state, {
      journal: profileJournal(name, context),
      context: loggedContext(name, calm),
    });
  } catch (failure) {
    return withDetails(error, {
      "and then": `its data of before could not be put back: ${messageOf(failure)}`,
      try: `slipway start -p ${name}`,
    });
  }
  return withDetails(error, { cluster: "it has its data of before again, and serves them" });
}

function withDetails(error: unknown, more: Record<string, string>): unknown {
  if (!isSlipwayError(error)) return error;
  const { code, message, hint, details } = error;
  return new SlipwayError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    details: { ...details, ...more },
    cause: error,
  });
}
