import { defineCommand } from "../../command.js";
import { labFlags, labState, machineArgument } from "./lab-state.js";

export const reset = defineCommand({
  name: "netboot reset",
  summary: "Let a machine begin anew: its next boot installs it again",
  arguments: [machineArgument],
  flags: labFlags,
  outputs: ["text", "json"],
  streams: true,
  async run(cli, [named], flags) {
    const [{ changeMachine }, { resolveMachine }] = await Promise.all([
      import("../../../netboot/admin/change.js"),
      import("../../../netboot/admin/machines.js"),
    ]);
    const state = await labState(cli, flags);
    const mac = await resolveMachine(state, named!);
    const life = await changeMachine(state, mac, "reset", cli.context);
    cli.done({ mac, state: life.state }, `${named} is reset: ${life.state}`);
  },
});
