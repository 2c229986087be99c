import type { Context } from "../../base/context.js";
import { Lives } from "../life/lives.js";
import type { MachineLife } from "../life/types.js";
import { Recorder } from "../timeline/recorder.js";
import { tellServer } from "./client.js";
import type { AdminVerb } from "./server.js";
import { type LabState, lockLabState } from "./state-directory.js";

/**
 * Approves, resets or retires a machine: through the lab's server, or in its state while none runs.
 *
 * @throws {SlipwayError} `MACHINE_NOT_FOUND`, `USAGE` when the machine's state does not allow it, `PROFILE_BUSY`
 */
export async function changeMachine(
  state: LabState,
  mac: string,
  verb: AdminVerb,
  { clock, owner }: Pick<Context, "clock" | "owner">,
): Promise<MachineLife> {
  const told = await tellServer(state.directory, mac, verb);
  if (told) return told;
  await using _lock = await lockLabState(state, owner);
  await using recorder = await Recorder.open(state.directory, { owner });
  await using lives = await Lives.open({
    directory: state.directory,
    owner,
    clock,
    observe: recorder.observe,
    policy: () => undefined,
    // Nobody is to be forgotten by this.
    isDescribed: () => true,
    ownerOf: () => undefined,
  });
  return await lives.admin(mac, verb);
}
