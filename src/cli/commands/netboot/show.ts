import { defineCommand } from "../../command.js";
import { labFlags, labState, machineArgument } from "./lab-state.js";

export const show = defineCommand({
  name: "netboot show",
  summary: "Show what a machine did, step by step, and what did not come",
  arguments: [machineArgument],
  flags: { ...labFlags, all: { type: "boolean", summary: "All its boots, not the last one alone" } },
  outputs: ["text", "json", "yaml"],
  examples: [["netboot show 52:54:00:b2:2f:86", "the last boot, and why it stopped"]],
  async run(cli, [named], { all, ...flags }) {
    const [{ showMachine }, { machineText }] = await Promise.all([
      import("../../../netboot/admin/machines.js"),
      import("./timeline-text.js"),
    ]);
    const now = cli.context.clock.now().getTime();
    const { status, timeline } = await showMachine(await labState(cli, flags), named!, now);
    const shown = timeline && { ...timeline, boots: all ? timeline.boots : timeline.boots.slice(-1) };
    await cli.show({ ...status, timeline: shown ?? null }, () => machineText(status, shown, now));
  },
});
