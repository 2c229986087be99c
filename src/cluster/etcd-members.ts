import { join } from "node:path";
import { type Condition, met, unmet, waitFor } from "../base/condition.js";
import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { readJson, writeJsonAtomic } from "../base/files.js";
import type { MachineDriver } from "../machines/driver.js";
import type { NodeAddress } from "../plan/addresses.js";
import { pki, places } from "../plan/places.js";
import { profilePaths } from "./profile.js";

/** A member as etcd has it. */
export interface EtcdMember {
  /** Hexadecimal. */
  id: string;
  /** Empty until its etcd was started once. */
  name: string;
  peerUrl: string;
  /** Follows, and has no vote yet. */
  isLearner: boolean;
}

export const peerUrl = ({ address }: NodeAddress): string => `https://${address}:2380`;
const clientUrl = ({ address }: NodeAddress): string => `https://${address}:2379`;

/** How many of them must be there for etcd to go on. */
export const majorityOf = (members: number): number => Math.floor(members / 2) + 1;

/** etcd through the etcdctl of nodes that run: the first that can be asked is asked. */
export interface EtcdAccess {
  cluster: string;
  driver: MachineDriver;
  /** Nodes whose etcd is a full member. */
  through: readonly NodeAddress[];
  timeoutMs: number;
}

/**
 * Runs etcdctl until it succeeds: a member that was just started is not counted on at once (`etcdserver: unhealthy cluster`).
 *
 * @throws {SlipwayError} `QUORUM_LOST` after `timeoutMs`, with what etcd said last
 */
async function etcdctl(what: string, args: string[], access: EtcdAccess, context: Context): Promise<string> {
  const [first] = access.through;
  if (!first) throw new SlipwayError("INTERNAL", "there is no etcd to ask");
  let answer = "";
  const condition: Condition<undefined> = {
    name: what,
    async check(_target, { signal }) {
      const result = await access.driver.exec(
        access.cluster,
        first.name,
        [...etcdctlCommand(access.through), ...args],
        { allowFailure: true, signal },
      );
      answer = result.stdout;
      return result.exitCode === 0 ? met() : unmet(lastError(result.stderr));
    },
  };
  await waitFor(condition, undefined, {
    timeoutMs: access.timeoutMs,
    intervalMs: 100,
    signal: context.signal,
    events: context.events,
    clock: context.clock,
    code: "QUORUM_LOST",
    hint: `slipway logs -p ${access.cluster} -n ${first.name} --unit etcd`,
  });
  return answer;
}

const etcdctlCommand = (through: readonly NodeAddress[]): string[] => [
  `${places.bin}/etcdctl`,
  `--endpoints=${through.map(clientUrl).join(",")}`,
  `--cacert=${pki("etcd/ca.crt")}`,
  `--cert=${pki("apiserver-etcd-client.crt")}`,
  `--key=${pki("apiserver-etcd-client.key")}`,
  "--command-timeout=3s",
];

/** etcdctl's last line: `Error: etcdserver: …`, or a JSON log line with an `error`. */
function lastError(stderr: string): string {
  const line = stderr.trim().split("\n").at(-1) ?? "";
  return /"error":"([^"]*)"/.exec(line)?.[1] ?? line.replace(/^Error: /, "");
}

export const listMembers = async (access: EtcdAccess, context: Context): Promise<EtcdMember[]> =>
  parseMembers(await etcdctl("etcd answers", ["member", "list"], access, context));

/** Reads `etcdctl member list`: id, status, name, peer URLs, client URLs, is learner. */
export const parseMembers = (text: string): EtcdMember[] =>
  text
    .split("\n")
    .filter((line) => line.includes(", "))
    .map((line) => {
      const [id = "", , name = "", url = "", , learner] = line.split(", ");
      return { id, name, peerUrl: url, isLearner: learner === "true" };
    });

/** Adds a member that follows: it counts for no majority before it has all of the data. */
export async function addLearner(node: NodeAddress, access: EtcdAccess, context: Context): Promise<void> {
  const args = ["member", "add", node.name, `--peer-urls=${peerUrl(node)}`, "--learner"];
  await etcdctl(`etcd takes ${node.name} as a learner`, args, access, context);
}

/** Gives a learner its vote, once it is in step with the others. */
export async function promote({ id, name }: EtcdMember, access: EtcdAccess, context: Context): Promise<void> {
  await etcdctl(
    `the etcd of ${name || id} is in step with the others`,
    ["member", "promote", id],
    access,
    context,
  );
}

export async function removeMember(
  { id, name }: EtcdMember,
  access: EtcdAccess,
  context: Context,
): Promise<void> {
  await etcdctl(`etcd lets ${name || id} go`, ["member", "remove", id], access, context);
}

/** Hands the lead on, if `from` has it: the others then need no election to go on without it. */
export async function moveLeader(
  from: NodeAddress,
  to: EtcdMember,
  { cluster, driver }: EtcdAccess,
  { signal }: Context,
): Promise<void> {
  // Fails where it does not lead; and whoever leads, removing it is safe.
  await driver.exec(cluster, from.name, [...etcdctlCommand([from]), "move-leader", to.id], {
    allowFailure: true,
    signal,
  });
}

/** Gives one of the members the lead, whoever has it. */
export async function giveLead(node: NodeAddress, access: EtcdAccess, context: Context): Promise<void> {
  const heir = (await listMembers(access, context)).find((member) => member.peerUrl === peerUrl(node));
  if (!heir) return;
  for (const other of access.through)
    if (other.name !== node.name) await moveLeader(other, heir, access, context);
}

/** Which of these nodes' etcds answer, each asked for itself. */
export async function healthyMembers(
  nodes: readonly NodeAddress[],
  { cluster, driver }: Pick<EtcdAccess, "cluster" | "driver">,
  { signal }: Context,
): Promise<NodeAddress[]> {
  const answers = await Promise.all(
    nodes.map(async (node) => {
      const machine = await driver.inspect(cluster, node.name);
      if (machine?.state !== "running") return false;
      const health = [...etcdctlCommand([node]), "endpoint", "health"];
      const { exitCode } = await driver.exec(cluster, node.name, health, { allowFailure: true, signal });
      return exitCode === 0;
    }),
  );
  return nodes.filter((_, i) => answers[i]);
}

/**
 * The control-plane nodes whose etcd has a vote, as the profile has noted: a node that is not among them, or whose machine is
 * gone, has no data that etcd would count on. Undefined while the cluster's first members have not been made.
 */
export const readVoters = (name: string, context: Context): Promise<string[] | undefined> =>
  readJson<string[]>(votersFile(name, context));

export const writeVoters = (name: string, voters: readonly string[], context: Context): Promise<void> =>
  writeJsonAtomic(votersFile(name, context), voters, { mode: 0o600, ...context.owner });

const votersFile = (name: string, context: Context): string =>
  join(profilePaths(name, context).directory, "etcd-members.json");
