import { defineCommand } from "../../command.js";
import { labFlags, labState, machineArgument } from "./lab-state.js";

export const retire = defineCommand({
  name: "netboot retire",
  summary: "Give a machine nothing more: it boots from its own disk",
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
    const life = await changeMachine(state, mac, "retire", cli.context);
    cli.done({ mac, state: life.state }, `${named} is ${life.state}`);
  },
});
