import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../base/context.js";
import { run } from "../base/run.js";
import { controlPlaneNodes, type NodeAddress } from "../plan/addresses.js";
import { etcdFlags } from "../plan/control-plane.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { profilePaths } from "./profile.js";
import type { NodeSoftware } from "./software.js";

/**
 * Restores the seed as the data of a new etcd member: with the name, addresses and cluster token of its own, so that no two
 * clusters share an identity. The directory is the machine's to take; what a killed run left is made anew.
 *
 * @returns the data directory
 */
export async function makeEtcdData(
  spec: ClusterSpec,
  node: NodeAddress,
  { etcdSeed }: NodeSoftware,
  context: Context,
  from?: EtcdSource,
): Promise<string> {
  const directory = join(profilePaths(spec.metadata.name, context).directory, `etcd-seed-${node.name}`);
  await rm(directory, { recursive: true, force: true });
  await run(
    etcdSeed.etcdutl,
    [
      "snapshot",
      "restore",
      from?.snapshot ?? etcdSeed.snapshot,
      `--data-dir=${directory}`,
      ...(from ? ahead(from.bump) : []),
      ...memberIdentity(spec, node, controlPlaneNodes(spec), from?.token),
    ],
    { signal: context.signal },
  );
  return directory;
}

/** What a member starts from when its cluster is not new. */
export interface EtcdSource {
  /** On the host. */
  snapshot: string;
  /** Tells the cluster from what it was. */
  token: string;
  /** By how much its revisions go ahead of the snapshot's. */
  bump: number;
}

/** More than any cluster writes, and exact as a number for forty thousand restores of restores. */
const revisionsPerSecond = 1000;
const before = Date.UTC(2020);

/**
 * By how much a restore's revisions go ahead: far behind all that was handed out since the snapshot, so that every watch ends
 * and begins anew. Who watches from a revision that is still to come sees nothing until then. It grows with time, as the same
 * snapshot may be restored again.
 */
export const bumpAt = (now: Date): number =>
  1_000_000_000 + Math.floor((now.getTime() - before) / 1000) * revisionsPerSecond;

export const ahead = (bump: number): string[] => [`--bump-revision=${bump}`, "--mark-compacted"];

/**
 * The flags of `etcdutl snapshot restore` that make the data those of one member of one cluster.
 *
 * @param members all of the cluster's: each restores the same snapshot
 * @param token what tells the cluster from others; the one that etcd is started with does not matter to data that are there
 */
export function memberIdentity(
  spec: ClusterSpec,
  node: NodeAddress,
  members: NodeAddress[] = [node],
  token?: string,
): string[] {
  const flags = etcdFlags(spec, node);
  const peerUrl = (member: NodeAddress) => etcdFlags(spec, member)["initial-advertise-peer-urls"];
  flags["initial-cluster"] = members.map((member) => `${member.name}=${peerUrl(member)}`);
  if (token !== undefined) flags["initial-cluster-token"] = token;
  const same = ["name", "initial-cluster", "initial-cluster-token", "initial-advertise-peer-urls"] as const;
  return same.map((name) => `--${name}=${flags[name]}`);
}
