import { defineCommand } from "../../command.js";
import { table } from "../../output/table.js";
import { labFlags, labState } from "./lab-state.js";

export const machines = defineCommand({
  name: "netboot machines",
  summary: "List the machines that the lab describes or that were seen, and how far each is",
  flags: labFlags,
  outputs: ["table", "json", "yaml"],
  examples: [["netboot machines -o json", "for a program"]],
  async run(cli, _args, flags) {
    const [{ listMachines }, { ago }] = await Promise.all([
      import("../../../netboot/admin/machines.js"),
      import("./timeline-text.js"),
    ]);
    const now = cli.context.clock.now().getTime();
    const list = await listMachines(await labState(cli, flags), now);
    await cli.show(list, () =>
      list.length === 0
        ? "no machine was seen yet, and the lab describes none"
        : table(
            ["name", "mac", "address", "state", "boot profile", "last seen", "waits for"],
            list.map(({ name, mac, address, state, life, lastSeen, waitsFor, overdue }) => [
              name ?? "",
              mac,
              address ?? "",
              state,
              life?.boot?.profile ?? "",
              lastSeen === undefined ? "never" : `${ago(now - Date.parse(lastSeen))} ago`,
              life?.reason ?? (waitsFor === undefined ? "" : `${waitsFor}${overdue ? " (overdue)" : ""}`),
            ]),
          ),
    );
  },
});
