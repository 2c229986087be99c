import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { run } from "../base/run.js";
import type { Machine } from "../machines/driver.js";
import { nodeAddresses } from "../plan/addresses.js";
import type { ClusterSpec, NodeSpec } from "../spec/cluster-spec.js";
import { nodeOf } from "./access.js";
import { checkClock } from "./clock-check.js";
import { hostDriver } from "./driver.js";
import { removeMetalConfig } from "./metal.js";
import { runOperation, type Step, skip } from "./operation.js";
import {
  lockProfile,
  loggedContext,
  type Profile,
  profileJournal,
  profilePaths,
  readProfile,
  writeProfile,
} from "./profile.js";
import { ensureKubectl } from "./software.js";
import { startState, startSteps } from "./start.js";
import type { StartOptions, StartState } from "./start-state.js";

/** A node, as the profile has it and as its machine is. */
export interface NodeEntry {
  name: string;
  role: NodeSpec["role"];
  address: string;
  /** netboot: a machine of its own, of which only the cluster knows whether it is on. */
  state: Machine["state"] | "missing" | "netboot";
}

export async function listNodes(name: string, context: Context): Promise<NodeEntry[]> {
  const { spec } = await readProfile(name, context);
  const machines = new Map((await hostDriver(context).list(name)).map((machine) => [machine.name, machine]));
  const addresses = new Map(nodeAddresses(spec).map(({ name, address }) => [name, address]));
  return spec.nodes.map(({ name, role, metal }) => {
    if (metal) return { name, role, address: addresses.get(name) ?? "", state: "netboot" };
    const machine = machines.get(name);
    return { name, role, address: machine?.address ?? "", state: machine?.state ?? "missing" };
  });
}

/**
 * Adds a worker to a running cluster and waits until it is Ready. One that was cut short is finished by running it again,
 * or by `start`.
 *
 * @param options as for start; its profile already has the new node.
 */
export async function addNode(node: string, options: StartOptions, context: Context): Promise<void> {
  const { name } = options.profile.spec.metadata;
  await checkClock(name, context);
  await using _lock = await lockProfile(name, context);
  const state = await startState(options, context);
  try {
    await runOperation<StartState>(`node-add ${node}`, [noteNode, ...startSteps(state.plan)], state, {
      journal: profileJournal(name, context),
      context: loggedContext(name, context),
    });
  } finally {
    state.client?.close();
  }
}

/** Journaled before the profile has the node: a run that is killed in between is known to have been about it. */
const noteNode: Step<StartState> = {
  id: "note-in-profile",
  title: "Profile",
  async run({ options }, context) {
    await writeProfile(context, options.profile);
    return undefined;
  },
};

/** The node that the last `node add` was about, when that was killed or failed: running it again means that one. */
export async function unfinishedAddition(name: string, context: Context): Promise<string | undefined> {
  const last = await profileJournal(name, context).lastRun();
  return last && last.outcome !== "done" ? last.operation.match(/^node-add (.+)$/)?.[1] : undefined;
}

interface DeleteState {
  profile: Profile;
  node: string;
}

/** Takes a worker out of a cluster: its pods move, its machine and Node go. */
export async function deleteNode(name: string, node: string, context: Context): Promise<void> {
  await using _lock = await lockProfile(name, context);
  const profile = await readProfile(name, context);
  nodeOf(profile, node);
  if (profile.spec.nodes.find((entry) => entry.name === node)?.role === "control-plane") {
    throw new SlipwayError("USAGE", `${node} is the cluster's control plane`, {
      hint: `to remove the whole cluster: slipway delete -p ${name}`,
    });
  }
  await runOperation(
    `node-delete ${node}`,
    deleteSteps,
    { profile, node },
    {
      journal: profileJournal(name, context),
      context: loggedContext(name, context),
    },
  );
}

/** How long a drain may take before the machine goes all the same. */
const drainSeconds = 60;

const drainNode: Step<DeleteState> = {
  id: "drain-node",
  title: "Moving its pods",
  async run({ profile, node }, context) {
    const failure = await kubectlQuietly(profile, context, [
      "drain",
      node,
      "--ignore-daemonsets",
      "--delete-emptydir-data",
      "--force",
      "--grace-period=10",
      `--timeout=${drainSeconds}s`,
    ]);
    return failure ? skip(`not drained: ${failure}`) : undefined;
  },
};

const deleteMachine: Step<DeleteState> = {
  id: "delete-machine",
  title: "Deleting its machine",
  async run({ profile, node }, context) {
    const wanted = profile.spec.nodes.find(({ name }) => name === node);
    if (wanted?.metal) await removeMetalConfig(wanted);
    else await hostDriver(context).delete(profile.spec.metadata.name, node, context);
    return undefined;
  },
};

const deleteNodeObject: Step<DeleteState> = {
  id: "delete-node-object",
  title: "Deleting its Node",
  async run({ profile, node }, context) {
    const failure = await kubectlQuietly(profile, context, [
      "delete",
      "node",
      node,
      "--ignore-not-found",
      "--timeout=30s",
    ]);
    return failure ? skip(`not deleted: ${failure}`) : undefined;
  },
};

const forgetNode: Step<DeleteState> = {
  id: "forget-node",
  title: "Profile",
  async run({ profile, node }, context) {
    const spec: ClusterSpec = {
      ...profile.spec,
      nodes: profile.spec.nodes.filter(({ name }) => name !== node),
    };
    await writeProfile(context, { ...profile, spec });
    return undefined;
  },
};

const deleteSteps: Step<DeleteState>[] = [drainNode, deleteMachine, deleteNodeObject, forgetNode];

/** Runs kubectl against the cluster; gives its last line of error when it failed: a dead API must not stop a deletion. */
async function kubectlQuietly(
  { spec }: Profile,
  context: Context,
  args: string[],
): Promise<string | undefined> {
  const program = await ensureKubectl(spec.kubernetesVersion, context);
  const { exitCode, stderr } = await run(program, args, {
    env: { KUBECONFIG: profilePaths(spec.metadata.name, context).kubeconfig },
    signal: context.signal,
    timeoutMs: (drainSeconds + 15) * 1000,
    allowFailure: true,
  });
  return exitCode === 0 ? undefined : (stderr.trim().split("\n").at(-1) ?? `exit code ${exitCode}`);
}

export async function startNode(name: string, node: string, context: Context): Promise<void> {
  nodeOf(await readProfile(name, context), node);
  await using _lock = await lockProfile(name, context);
  await hostDriver(context).start(name, node, context);
}

export async function stopNode(name: string, node: string, context: Context): Promise<void> {
  nodeOf(await readProfile(name, context), node);
  await using _lock = await lockProfile(name, context);
  await hostDriver(context).stop(name, node, {}, context);
}
