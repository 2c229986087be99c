import type { AdminVerb } from "../../../netboot/admin/server.js";
import { defineCommand } from "../../command.js";
import { labFlags, labState, machineArgument } from "./lab-state.js";

/** A command by which a machine's owner gives an order about it. @param told what is said when it is done */
export const orderCommand = (
  verb: AdminVerb,
  summary: string,
  told: (machine: string, state: string) => string = (machine, state) => `${machine} is ${state}`,
) =>
  defineCommand({
    name: `netboot ${verb}`,
    summary,
    arguments: [machineArgument],
    flags: labFlags,
    outputs: ["text", "json"],
    streams: true,
    async run(cli, [named], flags) {
      const [{ changeMachine }, { resolveMachine }] = await Promise.all([
        import("../../../netboot/admin/change.js"),
        import("../../../netboot/admin/machines.js"),
      ]);
      const lab = await labState(cli, flags);
      const mac = await resolveMachine(lab, named!);
      const { state } = await changeMachine(lab, mac, verb, cli.context);
      cli.done({ mac, state }, told(named!, state));
    },
  });
