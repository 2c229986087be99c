import type { Context } from "../base/context.js";
import { hostDriver } from "./driver.js";
import { runOperation, type Step, skip } from "./operation.js";
import { lockProfile, loggedContext, profileJournal, readProfile } from "./profile.js";

interface StopState {
  name: string;
}

/**
 * Powers the machines of a cluster off, workers first; everything on their disks stays, and `start` brings it back.
 *
 * @throws {SlipwayError} `PROFILE_NOT_FOUND`, `PROFILE_BUSY`, `MACHINE_FAILED`
 */
export async function stopCluster(name: string, context: Context): Promise<void> {
  await readProfile(name, context);
  await using _lock = await lockProfile(name, context);
  await runOperation(
    "stop",
    stopSteps,
    { name },
    {
      journal: profileJournal(name, context),
      context: loggedContext(name, context),
    },
  );
}

const stopMachines: Step<StopState> = {
  id: "stop-machines",
  title: "Stopping the nodes",
  async run({ name }, context) {
    const driver = hostDriver(context);
    const machines = (await driver.list(name)).filter(
      ({ state }) => state === "running" || state === "paused",
    );
    if (machines.length === 0) return skip("no node was running");
    // Workers first: their kubelets still tell the API what became of their pods.
    for (const role of ["worker", "control-plane"] as const) {
      const group = machines.filter((machine) => machine.role === role);
      await Promise.all(group.map((machine) => driver.stop(name, machine.name, {}, context)));
    }
    return `${machines.length} stopped`;
  },
};

export const stopSteps: Step<StopState>[] = [stopMachines];
