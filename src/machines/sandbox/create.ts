import { mkdir } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { SlipwayError } from "../../base/errors.js";
import { makeDirectory, writeError, writeJsonAtomic } from "../../base/files.js";
import { contains } from "../../net/cidr.js";
import type { ClusterNetwork, DriverContext, Machine, MachineSpec } from "../driver.js";
import { bundleConfig } from "./bundle.js";
import { findMachine, refreshFiles, type Sandbox, toMachine } from "./context.js";
import { readHostFacts } from "./host-facts.js";
import { clusterLayout, machineLayout, volumeDirectory } from "./layout.js";
import { checkNames } from "./names.js";
import { findNetwork } from "./network.js";
import { writeOwnFiles } from "./own-files.js";
import { type MachineRecord, recordOf } from "./record.js";
import { discardDirectory } from "./remove.js";
import { checkLayers, withRoot } from "./root.js";

/** Lays a machine out. The OCI config is written last: without it the machine is `broken`, and made anew by the next call. */
export async function createMachine(
  sandbox: Sandbox,
  spec: MachineSpec,
  context: DriverContext = {},
): Promise<Machine> {
  const { cluster, name } = spec;
  checkNames(cluster, name);
  const found = await findMachine(sandbox, cluster, name);
  if (found?.record) {
    checkSame(found.record, spec);
    return toMachine(cluster, name, found);
  }
  const network = await clusterNetwork(cluster, context);
  checkAddress(spec, network);
  await checkLayers(spec.layers);
  const layout = machineLayout(sandbox.stateDirectory, cluster, name);
  const shared = clusterLayout(sandbox.stateDirectory, cluster);
  if (found) await discardDirectory(layout.directory, shared.trash);
  context.signal?.throwIfAborted();

  await makeDirectory(layout.directory, { mode: 0o700 });
  try {
    for (const path of [layout.root, layout.upper, layout.work]) await mkdir(path, { mode: 0o755 });
    await Promise.all([
      writeOwnFiles(layout.upper, spec),
      ...spec.volumes.map(({ path, seed }) =>
        makeVolume(sandbox, volumeDirectory(layout, path), seed, context),
      ),
    ]);
  } catch (error) {
    context.signal?.throwIfAborted();
    throw writeError(layout.directory, error);
  }
  const record = recordOf(spec, network);
  await withRoot(
    layout,
    { layers: spec.layers, volumes: record.volumes, ...(context.signal ? { signal: context.signal } : {}) },
    (root) => sandbox.applyConfig(spec.config, root, context),
  );
  context.signal?.throwIfAborted();
  const config = bundleConfig(record, layout, shared, await readHostFacts());
  await writeJsonAtomic(layout.config, config, { mode: 0o600 });
  await refreshFiles(sandbox, cluster);
  return toMachine(cluster, name, { record, runc: undefined });
}

async function makeVolume(
  sandbox: Sandbox,
  directory: string,
  seed: string | undefined,
  context: DriverContext,
): Promise<void> {
  await makeDirectory(directory);
  if (seed !== undefined) await sandbox.seedVolume(seed, directory, context);
}

async function clusterNetwork(cluster: string, context: DriverContext): Promise<ClusterNetwork> {
  const network = await findNetwork(cluster, context.signal ? { signal: context.signal } : {});
  if (network) return network;
  throw new SlipwayError("MACHINE_FAILED", `the network of cluster ${cluster} is not there`, {
    hint: "start the cluster again, which makes it",
  });
}

function checkAddress({ name, address }: MachineSpec, network: ClusterNetwork): void {
  if (contains(network.nodeSubnet, `${address}/32`) && address !== network.gateway) return;
  throw new SlipwayError("ADDRESS_INVALID", `${name} cannot have the address ${address}`, {
    hint: `choose one of ${network.nodeSubnet} that is not the gateway ${network.gateway}`,
  });
}

/** A machine that is there is the one asked for if what cannot be changed about it is the same. */
export function checkSame(record: MachineRecord, spec: MachineSpec): void {
  const fixed = ({ role, address, podCidr, layers }: MachineRecord | MachineSpec) => ({
    role,
    address,
    podCidr,
    layers,
  });
  if (isDeepStrictEqual(fixed(record), fixed(spec))) return;
  throw new SlipwayError(
    "MACHINE_EXISTS",
    `a machine ${spec.name} exists in cluster ${spec.cluster}, and it is another`,
    {
      hint: "delete it first, or choose another name",
      details: { found: JSON.stringify(fixed(record)), wanted: JSON.stringify(fixed(spec)) },
    },
  );
}
