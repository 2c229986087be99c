import { defineCommand } from "../../command.js";
import { labFlags, labState, machineArgument } from "./lab-state.js";

export const watch = defineCommand({
  name: "netboot watch",
  summary: "Print what machines do, as it happens",
  arguments: [{ ...machineArgument, optional: true }],
  flags: labFlags,
  description: "With -o json one observation a line. It ends when the server does, or by Ctrl-C.",
  outputs: ["text", "json"],
  async run(cli, [named], flags) {
    const [{ watchServer }, { resolveMachine }, { observationText }] = await Promise.all([
      import("../../../netboot/admin/client.js"),
      import("../../../netboot/admin/machines.js"),
      import("./timeline-text.js"),
    ]);
    const state = await labState(cli, flags);
    const machine = named === undefined ? undefined : await resolveMachine(state, named);
    for await (const observation of watchServer(state.directory, machine, cli.context.signal)) {
      cli.print(cli.output === "json" ? JSON.stringify(observation) : observationText(observation));
    }
  },
});
