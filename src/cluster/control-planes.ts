import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { controlPlaneNodes, isHighlyAvailable, type NodeAddress } from "../plan/addresses.js";
import type { ClusterPlan } from "../plan/plan.js";
import { type ClusterSpec, controlPlaneCount } from "../spec/cluster-spec.js";
import { hostDriver } from "./driver.js";
import {
  healthyMembers,
  listMembers,
  majorityOf,
  moveLeader,
  peerUrl,
  readVoters,
  removeMember,
  writeVoters,
} from "./etcd-members.js";
import type { Step } from "./operation.js";
import { skip } from "./operation.js";
import { findProfile, type Profile } from "./profile.js";
import { noteRollout } from "./rollout.js";
import { endSelfhosted } from "./selfhost/leave.js";
import { pendingUpgrade, unendedUpgrade } from "./selfhost/upgrade-state.js";

/** How long a removal waits for etcd, which counts a member in some seconds after it came. */
const patienceMs = 30_000;

/**
 * Notes what the running nodes have to be brought away from, and who votes in etcd, before a profile gets other control planes.
 */
export async function noteShape(spec: ClusterSpec, context: Context): Promise<void> {
  const { name } = spec.metadata;
  const before = await findProfile(name, context);
  if (!before || controlPlaneCount(before.spec.nodes) === controlPlaneCount(spec.nodes)) return;
  if (!(await readVoters(name, context))) {
    await writeVoters(name, namesOf(controlPlaneNodes(before.spec)), context);
  }
  await noteRollout(before.spec, context);
}

const namesOf = (nodes: readonly { name: string }[]): string[] => nodes.map(({ name }) => name);

/**
 * @throws {SlipwayError} `USAGE` for static pods, which nobody would bring another shape, and while an upgrade has not ended;
 * `MACHINE_NOT_RUNNING`, `QUORUM_LOST`, `NODE_IMAGE_FAILED`, before anything is touched
 */
export async function checkControlPlaneAddition(
  { plan }: { plan: ClusterPlan },
  context: Context,
): Promise<void> {
  const { name } = plan.spec.metadata;
  await checkShapeable(plan.spec, context);
  const driver = hostDriver(context);
  const known = (await findProfile(name, context))?.spec ?? plan.spec;
  const voters = (await readVoters(name, context)) ?? namesOf(controlPlaneNodes(known));
  const members = controlPlaneNodes(plan.spec).filter((node) => voters.includes(node.name));
  const healthy = await healthyMembers(members, { cluster: name, driver }, context);
  if (healthy.length < majorityOf(members.length)) throw quorumLost(name, members, healthy);
  for (const { name: node } of healthy) {
    const programs = ["/usr/sbin/haproxy", "/usr/sbin/keepalived"];
    const found = await driver.exec(name, node, ["ls", ...programs], {
      allowFailure: true,
      signal: context.signal,
    });
    if (found.exitCode === 0) continue;
    throw new SlipwayError(
      "NODE_IMAGE_FAILED",
      `${node} runs a node image of before: it has no haproxy and keepalived`,
      {
        hint: `slipway stop -p ${name}, then slipway start -p ${name}, and add the node again`,
      },
    );
  }
  tellOfEvenNumber(plan.spec, context);
}

async function checkShapeable(
  { bootstrapper, metadata: { name } }: ClusterSpec,
  context: Context,
): Promise<void> {
  if (bootstrapper === "static") {
    throw new SlipwayError(
      "USAGE",
      `the control plane of "${name}" is static pods, whose number of nodes cannot change`,
      { hint: `make it objects of the cluster first: slipway selfhost pivot -p ${name}` },
    );
  }
  const upgrade = await pendingUpgrade(name, context);
  if (upgrade) throw unendedUpgrade(name, upgrade);
}

/** @throws {SlipwayError} as for an addition; `USAGE` for the only one; `QUORUM_LOST` when etcd would not go on without it */
export async function checkControlPlaneDeletion(
  { spec }: Profile,
  node: string,
  context: Context,
): Promise<void> {
  const { name } = spec.metadata;
  if (!isHighlyAvailable(spec)) {
    throw new SlipwayError("USAGE", `${node} is the cluster's control plane`, {
      hint: `to remove the whole cluster: slipway delete -p ${name}`,
    });
  }
  await checkShapeable(spec, context);
  const driver = hostDriver(context);
  const voters = (await readVoters(name, context)) ?? [];
  const members = controlPlaneNodes(spec).filter((entry) => voters.includes(entry.name));
  const healthy = await healthyMembers(members, { cluster: name, driver }, context);
  const left = members.filter((member) => member.name !== node);
  const healthyLeft = healthy.filter((member) => member.name !== node);
  if (healthy.length < majorityOf(members.length) || healthyLeft.length < majorityOf(left.length)) {
    throw quorumLost(name, members, healthy);
  }
  tellOfEvenNumber({ ...spec, nodes: spec.nodes.filter((entry) => entry.name !== node) }, context);
}

function quorumLost(
  profile: string,
  members: readonly NodeAddress[],
  healthy: readonly NodeAddress[],
): SlipwayError {
  const down = members.filter((member) => !healthy.includes(member));
  return new SlipwayError(
    "QUORUM_LOST",
    `of the ${members.length} members of etcd ${healthy.length} answer; a change needs ${majorityOf(members.length)} of them, now and afterwards`,
    {
      hint: `bring the others back first: slipway start -p ${profile}`,
      details: { "not answering": namesOf(down).join(", ") || "none" },
    },
  );
}

/** On the way from one to three there are two: not refused, but no place to stay. */
function tellOfEvenNumber({ nodes, metadata }: ClusterSpec, { events }: Context): void {
  const count = controlPlaneCount(nodes);
  if (count % 2 === 1) return;
  events({
    type: "warning",
    message: `${count} control planes outlast the loss of no more than ${count - 1} do: etcd needs ${majorityOf(count)} of ${count}`,
    hint: `add one, slipway node add -p ${metadata.name} --control-plane, or delete one`,
  });
}

/** What the removal of a control-plane node works on. */
interface Leaving {
  profile: Profile;
  node: string;
}

/** In this order: clients that come to its address go elsewhere, then those that it serves. */
async function drainApiServer(spec: ClusterSpec, node: NodeAddress, context: Context): Promise<void> {
  const cluster = spec.metadata.name;
  const driver = hostDriver(context);
  const { signal } = context;
  const stop = (...units: string[]) =>
    driver.exec(cluster, node.name, ["systemctl", "stop", ...units], { allowFailure: true, signal });
  if (spec.bootstrapper !== "selfhosted") {
    await stop("keepalived", "kube-controller-manager", "kube-scheduler");
    await stop("kube-apiserver");
    return;
  }
  await stop("keepalived");
  await endSelfhosted(cluster, node, spec.apiServer.port, context);
}

/** Its API server is drained, its member hands on the lead and goes; what it holds of etcd is of no use from then on. */
export const leaveCluster: Step<Leaving> = {
  id: "leave-etcd",
  title: "Leaving etcd",
  async run({ profile: { spec }, node }, context) {
    const { name: cluster } = spec.metadata;
    const driver = hostDriver(context);
    const leaving = controlPlaneNodes(spec).find(({ name }) => name === node)!;
    const voters = (await readVoters(cluster, context)) ?? [];
    const others = controlPlaneNodes(spec).filter(({ name }) => name !== node && voters.includes(name));
    const through = await healthyMembers(others, { cluster, driver }, context);
    const access = { cluster, driver, through, timeoutMs: patienceMs };
    await writeVoters(
      cluster,
      voters.filter((voter) => voter !== node),
      context,
    );
    const runs = (await driver.inspect(cluster, node))?.state === "running";
    if (runs) await drainApiServer(spec, leaving, context);
    const members = await listMembers(access, context);
    const member = members.find((candidate) => candidate.peerUrl === peerUrl(leaving));
    if (!member) return skip("it is no member");
    const heir = members.find(({ isLearner, peerUrl: url }) => !isLearner && url !== member.peerUrl);
    if (runs && heir) await moveLeader(leaving, heir, access, context);
    await removeMember(member, access, context);
    return undefined;
  },
};
