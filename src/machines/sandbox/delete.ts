import { rm } from "node:fs/promises";
import type { DriverContext } from "../driver.js";
import { killCgroup, removeCgroup, removeCgroupIfEmpty } from "./cgroups.js";
import { findMachine, machineNames, refreshFiles, type Sandbox } from "./context.js";
import { clusterLayout, machineLayout } from "./layout.js";
import { checkOwner, endProcesses } from "./lifecycle.js";
import { disconnect, removePodRoute } from "./link.js";
import { checkClusterName, checkNames, clusterCgroup, containerId, machineCgroup } from "./names.js";
import { deleteNetwork } from "./network.js";
import { discardDirectory, emptyTrash, removeIfEmpty } from "./remove.js";

/**
 * Removes a machine in whatever state, also one that a killed run left half-made or half-removed. The directory goes last:
 * until then its name leads to everything else.
 */
export async function deleteMachine(
  sandbox: Sandbox,
  cluster: string,
  name: string,
  context: DriverContext = {},
): Promise<void> {
  checkNames(cluster, name);
  const layout = machineLayout(sandbox.stateDirectory, cluster, name);
  const id = containerId(cluster, name);
  const found = await findMachine(sandbox, cluster, name);
  const runc = found?.runc ?? (await sandbox.runc.state(id));
  checkOwner({ runc, layout, id });

  await endProcesses(sandbox, { runc, id }, 0, context);
  await sandbox.runc.forget(id);
  await killCgroup(machineCgroup(cluster, name), context);
  await Promise.all([
    removeCgroup(machineCgroup(cluster, name)).then(() => removeEmptyCgroups(cluster)),
    disconnect(cluster, name),
    ...(found?.record?.podCidr === undefined ? [] : [removePodRoute(cluster, found.record.podCidr)]),
  ]);
  if (found) await discardDirectory(layout.directory, clusterLayout(sandbox.stateDirectory, cluster).trash);
  if (found) await refreshFiles(sandbox, cluster);
}

/** Removes what a cluster's machines shared; its machines are to be deleted before. */
export async function deleteClusterNetwork(
  sandbox: Sandbox,
  cluster: string,
  context: DriverContext = {},
): Promise<void> {
  checkClusterName(cluster);
  await deleteNetwork(cluster, context.signal ? { signal: context.signal } : {});
  await removeEmptyCgroups(cluster);
  const layout = clusterLayout(sandbox.stateDirectory, cluster);
  await emptyTrash(layout.trash);
  if ((await machineNames(sandbox, cluster)).length > 0) return;
  await Promise.all([layout.hosts, layout.resolvConf].map((path) => rm(path, { force: true })));
  for (const path of [layout.machines, layout.directory, sandbox.runc.root]) await removeIfEmpty(path);
}

async function removeEmptyCgroups(cluster: string): Promise<void> {
  await removeCgroupIfEmpty(clusterCgroup(cluster));
  await removeCgroupIfEmpty("/slipway");
}
