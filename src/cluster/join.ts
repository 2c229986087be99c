import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import type { Machine } from "../machines/driver.js";
import { type ClusterPlan, type PlannedNode, planCluster } from "../plan/plan.js";
import { isUnchanged, unitChanges } from "../plan/unit-changes.js";
import { apiServerReady } from "./api-server.js";
import {
  addLearner,
  type EtcdAccess,
  giveLead,
  listMembers,
  majorityOf,
  peerUrl,
  promote,
  readVoters,
  removeMember,
  writeVoters,
} from "./etcd-members.js";
import { machineSpec } from "./machine-spec.js";
import type { HandOut } from "./renewal.js";
import { takeUp } from "./rollout.js";

/**
 * The control-plane nodes whose etcd has to join the others': new ones, ones whose machine was lost, ones whose joining was cut
 * short. None while a cluster's first members are made: those start together, from the seed.
 *
 * @throws {SlipwayError} `QUORUM_LOST` when more machines were lost than etcd outlasts
 */
export async function nodesToJoin(
  plan: ClusterPlan,
  machines: readonly Machine[],
  context: Context,
): Promise<PlannedNode[]> {
  const { name } = plan.spec.metadata;
  const nodes = plan.nodes.filter(({ role }) => role === "control-plane");
  if (nodes.length === 1) return [];
  const voters = await readVoters(name, context);
  const there = new Set(machines.filter(({ state }) => state !== "broken").map((machine) => machine.name));
  if (!voters || !nodes.some((node) => there.has(node.name))) return [];
  const joining = nodes.filter((node) => !voters.includes(node.name) || !there.has(node.name));
  const left = voters.filter((voter) => there.has(voter));
  if (joining.length > 0 && left.length < majorityOf(voters.length)) {
    throw new SlipwayError(
      "QUORUM_LOST",
      `of the ${voters.length} members of etcd ${left.length} ${left.length === 1 ? "has its" : "have their"} machine; it needs ${majorityOf(voters.length)}`,
      {
        hint: `bring a machine back from a copy, or make the cluster anew, without its data: slipway delete -p ${name}, then slipway start -p ${name}`,
        details: { lost: voters.filter((voter) => !there.has(voter)).join(", ") },
      },
    );
  }
  return joining;
}

/**
 * Makes the machines of these nodes, and their etcds full members, one after the other: the old member goes, the new one
 * follows until it has all of the data, and only then votes. No majority is ever at stake.
 */
export async function joinNodes(
  what: HandOut,
  joining: readonly PlannedNode[],
  timeoutMs: number,
  context: Context,
): Promise<void> {
  const { plan, driver } = what;
  const { name: cluster } = plan.spec.metadata;
  const waiting = new Set(joining.map(({ name }) => name));
  const machines = new Map((await driver.list(cluster)).map((machine) => [machine.name, machine]));
  const voters = plan.nodes.filter(({ name, role }) => role === "control-plane" && !waiting.has(name));
  const noteVoters = () =>
    writeVoters(
      cluster,
      voters.map(({ name }) => name),
      context,
    );
  const through = voters.filter(({ name }) => machines.get(name)?.state === "running");
  const access: EtcdAccess = { cluster, driver, through, timeoutMs };
  const members = await listMembers(access, context);
  const memberOf = (node: PlannedNode) => members.find((member) => member.peerUrl === peerUrl(node));
  const isThere = ({ name }: PlannedNode) => ![undefined, "broken"].includes(machines.get(name)?.state);
  const goesOn = (node: PlannedNode) => isThere(node) && memberOf(node) !== undefined;

  // All that are lost go first: etcd takes no new member while one is missing.
  for (const node of joining.filter((candidate) => !goesOn(candidate))) {
    if (machines.has(node.name)) await driver.delete(cluster, node.name, context);
    const lost = memberOf(node);
    if (lost) await removeMember(lost, access, context);
  }
  await noteVoters();
  for (const node of joining) {
    // As if those that are still to come were not there: a new etcd must name exactly the members that there are.
    const soFar = withNodes(what, (name) => !waiting.has(name) || name === node.name);
    const planned = soFar.plan.nodes.find(({ name }) => name === node.name)!;
    const machine = machineSpec(soFar.plan, planned, what.software, what.material);
    if (!goesOn(node)) {
      await addLearner(node, access, context);
      await driver.create(machine, context);
    } else if (machines.get(node.name)?.state === "stopped") await driver.configure(machine, context);
    await driver.start(cluster, node.name, context);
    const now = await listMembers(access, context);
    const member = now.find((candidate) => candidate.peerUrl === peerUrl(node));
    if (member?.isLearner) await promote(member, access, context);
    // One that was alone takes a pause of its only follower for its loss (etcd-timing.ts): the new one leads better.
    if (voters.length === 1) await giveLead(node, access, context);
    voters.push(node);
    through.push(node);
    waiting.delete(node.name);
    await noteVoters();
    // A self-hosted one comes when its Node says what it is.
    if (plan.spec.bootstrapper !== "selfhosted") await apiServerReady(what, node, timeoutMs, context);
    if (waiting.size === 0) continue;
    const changes = unitChanges(soFar.plan, plan, node.name);
    if (!isUnchanged(changes)) await takeUp(what, node, changes, context);
  }
}

/** The same with a plan of these control-plane nodes and all workers only. */
function withNodes(what: HandOut, isIn: (name: string) => boolean): HandOut {
  const { spec, facts } = what.plan;
  const nodes = spec.nodes.filter(({ name, role }) => role === "worker" || isIn(name));
  return { ...what, plan: planCluster({ ...spec, nodes }, facts) };
}
