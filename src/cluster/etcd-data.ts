import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../base/context.js";
import { run } from "../base/run.js";
import type { NodeAddress } from "../plan/addresses.js";
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
): Promise<string> {
  const directory = join(profilePaths(spec.metadata.name, context).directory, `etcd-seed-${node.name}`);
  await rm(directory, { recursive: true, force: true });
  const flags = etcdFlags(spec, node);
  const same = ["name", "initial-cluster", "initial-cluster-token", "initial-advertise-peer-urls"] as const;
  await run(
    etcdSeed.etcdutl,
    [
      "snapshot",
      "restore",
      etcdSeed.snapshot,
      `--data-dir=${directory}`,
      ...same.map((name) => `--${name}=${flags[name]}`),
    ],
    { signal: context.signal },
  );
  return directory;
}
