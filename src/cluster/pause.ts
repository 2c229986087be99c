import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import type { MachineState } from "../machines/driver.js";
import { hostDriver } from "./driver.js";
import { runOperation, type Step, skip } from "./operation.js";
import { lockProfile, loggedContext, profileJournal, readProfile } from "./profile.js";

/**
 * Freezes all processes of all nodes: no CPU is used, and everything goes on where it was.
 *
 * @throws {SlipwayError} `PROFILE_NOT_FOUND`, `MACHINE_NOT_RUNNING` when a node is off.
 */
export const pauseCluster = (name: string, context: Context): Promise<void> =>
  switchAll(name, context, {
    operation: "pause",
    title: "Pausing the nodes",
    from: "running",
    verb: "pause",
  });

/** Lets paused nodes go on. */
export const unpauseCluster = (name: string, context: Context): Promise<void> =>
  switchAll(name, context, {
    operation: "unpause",
    title: "Unpausing the nodes",
    from: "paused",
    verb: "resume",
  });

interface Switch {
  operation: string;
  title: string;
  from: MachineState;
  verb: "pause" | "resume";
}

async function switchAll(
  name: string,
  context: Context,
  { operation, title, from, verb }: Switch,
): Promise<void> {
  await readProfile(name, context);
  await using _lock = await lockProfile(name, context);
  const step: Step<undefined> = {
    id: `${verb}-machines`,
    title,
    async run() {
      const driver = hostDriver(context);
      const machines = await driver.list(name);
      const off = machines.find(({ state }) => state !== "running" && state !== "paused");
      if (off) {
        throw new SlipwayError("MACHINE_NOT_RUNNING", `the node ${off.name} is ${off.state}`, {
          hint: `start the cluster first: slipway start -p ${name}`,
        });
      }
      const affected = machines.filter(({ state }) => state === from);
      if (affected.length === 0) return skip("nothing to do");
      await Promise.all(affected.map((machine) => driver[verb](name, machine.name, context)));
      return affected.map((machine) => machine.name).join(", ");
    },
  };
  await runOperation(operation, [step], undefined, {
    journal: profileJournal(name, context),
    context: loggedContext(name, context),
  });
}
