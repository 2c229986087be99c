import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { run } from "../base/run.js";
import type { Machine } from "../machines/driver.js";
import { nodeAddresses } from "../plan/addresses.js";
import { planCluster } from "../plan/plan.js";
import type { ClusterSpec, NodeSpec } from "../spec/cluster-spec.js";
import { nodeOf } from "./access.js";
import { checkClock } from "./clock-check.js";
import {
  checkControlPlaneAddition,
  checkControlPlaneDeletion,
  leaveCluster,
  noteShape,
} from "./control-planes.js";
import { hostDriver } from "./driver.js";
import { machineSpec } from "./machine-spec.js";
import { ensureMaterial } from "./material.js";
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
import { ensureKubectl, ensureNodeSoftware } from "./software.js";
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
 * Adds a node to a running cluster and waits until it is Ready. One that was cut short is finished by running it again, or by
 * `start`.
 *
 * @param options as for start; its profile already has the new node.
 */
export async function addNode(node: string, options: StartOptions, context: Context): Promise<void> {
  const { name } = options.profile.spec.metadata;
  await checkClock(name, context);
  await using _lock = await lockProfile(name, context);
  const state = await startState(options, context);
  const role = options.profile.spec.nodes.find((entry) => entry.name === node)?.role;
  if (role === "control-plane") await checkControlPlaneAddition(state, context);
  try {
    await runOperation<StartState>(
      `node-add ${node}`,
      [noteNode, ...startSteps(state.plan, { reshaped: true })],
      state,
      {
        journal: profileJournal(name, context),
        context: loggedContext(name, context),
      },
    );
  } finally {
    state.client?.close();
  }
}

/** Journaled before the profile has the node: a run that is killed in between is known to have been about it. */
const noteNode: Step<StartState> = {
  id: "note-in-profile",
  title: "Profile",
  async run({ options: { profile } }, context) {
    await noteShape(profile.spec, context);
    await writeProfile(context, profile);
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

/**
 * Takes a node out of a cluster: its pods move, its machine and Node go; of a control-plane node first its member of etcd.
 *
 * @param kubeconfigFiles the user's: the API's address is another one when of two control planes one goes
 * @throws {SlipwayError} `USAGE` for the only control plane; `QUORUM_LOST`
 */
export async function deleteNode(
  name: string,
  node: string,
  { kubeconfigFiles }: { kubeconfigFiles: string[] },
  context: Context,
): Promise<void> {
  await using _lock = await lockProfile(name, context);
  const profile = await readProfile(name, context);
  const journal = { journal: profileJournal(name, context), context: loggedContext(name, context) };
  const isFinishing = await isUnfinishedDeletion(profile, node, context);
  if (!isFinishing) nodeOf(profile, node);
  const role = profile.spec.nodes.find((entry) => entry.name === node)?.role;
  if (!isFinishing && role === "worker") {
    await runOperation(`node-delete ${node}`, [...removalSteps, forgetNode], { profile, node }, journal);
    return;
  }
  if (!isFinishing) await checkControlPlaneDeletion(profile, node, context);
  const left = withoutNode(profile.spec, node);
  const start = await startState(startOptionsAfter({ ...profile, spec: left }, kubeconfigFiles), context);
  const removal: DeleteState = { profile, node };
  try {
    await runOperation<StartState>(
      `node-delete ${node}`,
      isFinishing
        ? startSteps(start.plan, { reshaped: true })
        : [
            ...[leaveCluster, ...removalSteps, forgetNode].map((step) => withState(step, removal)),
            ...startSteps(start.plan, { reshaped: true }),
          ],
      start,
      journal,
    );
  } finally {
    start.client?.close();
  }
}

/** A step of one operation as part of another. */
const withState = <Inner, Outer>(step: Step<Inner>, state: Inner): Step<Outer> => ({
  ...step,
  run: (_outer, context) => step.run(state, context),
});

/** What has to be as the plan has it again once a control-plane node is gone; the nodes that were off come up too. */
const startOptionsAfter = (profile: Profile, kubeconfigFiles: string[]): StartOptions => ({
  profile,
  waitFor: new Set(["apiserver"]),
  waitTimeoutMs: 6 * 60_000,
  kubeconfigFiles,
  keepContext: true,
  components: {},
});

/** Whether the last run was about this node, and ended after the profile had forgotten it. */
async function isUnfinishedDeletion({ spec }: Profile, node: string, context: Context): Promise<boolean> {
  if (spec.nodes.some(({ name }) => name === node)) return false;
  const last = await profileJournal(spec.metadata.name, context).lastRun();
  return last?.operation === `node-delete ${node}` && last.outcome !== "done";
}

/** The first node is a control plane, whose ports the host publishes. */
function withoutNode(spec: ClusterSpec, node: string): ClusterSpec {
  const left = spec.nodes.filter(({ name }) => name !== node);
  const first = left.find(({ role }) => role === "control-plane");
  return { ...spec, nodes: first ? [first, ...left.filter((entry) => entry !== first)] : left };
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
    if (failure) return skip(`not deleted: ${failure}`);
    // They ended with their machine; whoever counts pods would count them until they are collected, most of a minute later.
    const pods = [`--field-selector=spec.nodeName=${node}`, "--force", "--grace-period=0", "--wait=false"];
    const left = await kubectlQuietly(profile, context, ["delete", "pods", "--all-namespaces", ...pods]);
    return left ? skip(`deleted; its pods are still listed: ${left}`) : undefined;
  },
};

const forgetNode: Step<DeleteState> = {
  id: "forget-node",
  title: "Profile",
  async run({ profile, node }, context) {
    const spec = withoutNode(profile.spec, node);
    await noteShape(spec, context);
    await publishPorts(profile.spec, spec, context);
    await writeProfile(context, { ...profile, spec });
    return undefined;
  },
};

/** The ports go to the node that is the first now. */
async function publishPorts(before: ClusterSpec, now: ClusterSpec, context: Context): Promise<void> {
  const [first] = now.nodes;
  if (!first || first.name === before.nodes[0]?.name || now.ports.length === 0) return;
  await hostDriver(context).publishPorts(now.metadata.name, first.name, now.ports, context);
}

const removalSteps: Step<DeleteState>[] = [drainNode, deleteMachine, deleteNodeObject];

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

/**
 * Powers a node on, as the cluster is now.
 *
 * @throws {SlipwayError} `MACHINE_NOT_FOUND` when its machine was lost: a start makes it anew
 */
export async function startNode(name: string, node: string, context: Context): Promise<void> {
  await using _lock = await lockProfile(name, context);
  const profile = await readProfile(name, context);
  nodeOf(profile, node);
  const driver = hostDriver(context);
  const machine = await driver.inspect(name, node);
  if (!machine || machine.state === "broken") {
    throw new SlipwayError("MACHINE_NOT_FOUND", `the machine of node "${node}" does not exist`, {
      hint: `make it anew: slipway start -p ${name}`,
    });
  }
  if (machine.state === "stopped") {
    const plan = planCluster(profile.spec, profile.facts);
    const software = await ensureNodeSoftware(plan.spec, {}, context);
    const material = await ensureMaterial(plan, profilePaths(name, context).pki, context);
    const planned = plan.nodes.find((entry) => entry.name === node)!;
    await driver.configure(machineSpec(plan, planned, software, material), context);
  }
  await driver.start(name, node, context);
}

export async function stopNode(name: string, node: string, context: Context): Promise<void> {
  nodeOf(await readProfile(name, context), node);
  await using _lock = await lockProfile(name, context);
  await hostDriver(context).stop(name, node, {}, context);
}
