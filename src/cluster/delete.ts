import type { Context } from "../base/context.js";
import { removeFromKubeconfig } from "../kube/kubeconfig-file.js";
import { hostDriver } from "./driver.js";
import { runOperation, type Step, skip } from "./operation.js";
import {
  lockProfile,
  loggedContext,
  makeProfileDirectory,
  profileJournal,
  profileNames,
  removeProfile,
} from "./profile.js";
import { activeProfile, defaultProfile, useProfile } from "./profiles.js";

interface DeleteState {
  name: string;
  kubeconfigFiles: string[];
}

/**
 * Removes a cluster: machines, network, kubeconfig entries, keys. What is left of a start or delete that was killed goes
 * too, also when the profile's own file is gone or torn.
 *
 * @returns false when there was nothing of that name.
 */
export async function deleteCluster(
  name: string,
  { kubeconfigFiles }: { kubeconfigFiles: string[] },
  context: Context,
): Promise<boolean> {
  const driver = hostDriver(context);
  const known = (await profileNames(context)).includes(name);
  if (!known && (await driver.list(name)).length === 0) return false;
  await using _lock = await lockProfile(name, context);
  await makeProfileDirectory(name, context);
  await runOperation(
    "delete",
    deleteSteps,
    { name, kubeconfigFiles },
    {
      journal: profileJournal(name, context),
      context: loggedContext(name, context),
    },
  );
  await removeProfile(name, context);
  if ((await activeProfile(context)) === name) await useProfile(defaultProfile, context);
  return true;
}

const deleteMachines: Step<DeleteState> = {
  id: "delete-machines",
  title: "Deleting the nodes",
  async run({ name }, context) {
    const driver = hostDriver(context);
    const machines = await driver.list(name);
    await Promise.all(machines.map((machine) => driver.delete(name, machine.name, context)));
    return machines.length === 0
      ? skip("there was none")
      : machines.map((machine) => machine.name).join(", ");
  },
};

const deleteNetwork: Step<DeleteState> = {
  id: "delete-network",
  title: "Deleting the network",
  async run({ name }, context) {
    await hostDriver(context).deleteNetwork(name, context);
    return undefined;
  },
};

const forgetKubeconfig: Step<DeleteState> = {
  id: "forget-kubeconfig",
  title: "Removing the kubeconfig entries",
  async run({ name, kubeconfigFiles }, context) {
    await removeFromKubeconfig(kubeconfigFiles, name, context);
    return undefined;
  },
};

export const deleteSteps: Step<DeleteState>[] = [deleteMachines, deleteNetwork, forgetKubeconfig];
