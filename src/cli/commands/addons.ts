import { type CommandGroup, defineCommand } from "../command.js";
import { table } from "../output/table.js";

const addon = { name: "ADDON", summary: "The add-on, as addons list shows it", complete: "addon" } as const;

const list = defineCommand({
  name: "addons list",
  aliases: ["ls"],
  summary: "List the add-ons and whether they are on",
  outputs: ["table", "json", "yaml"],
  async run(cli) {
    const { listAddons } = await import("../../cluster/addons.js");
    const addons = await listAddons(await cli.profile(), cli.context);
    await cli.show(addons, () =>
      table(
        ["add-on", "state", "what it is"],
        addons.map(({ name, enabled, summary }) => [name, enabled ? "enabled" : "disabled", summary]),
      ),
    );
  },
});

const enable = defineCommand({
  name: "addons enable",
  summary: "Turn an add-on on, at once",
  arguments: [addon],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, [name]) {
    const { enableAddon } = await import("../../cluster/addons.js");
    await enableAddon(await cli.profile(), name!, {}, cli.context);
    cli.done({ enabled: name }, `${name} is on`);
  },
});

const disable = defineCommand({
  name: "addons disable",
  summary: "Turn an add-on off and remove its objects",
  arguments: [addon],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, [name]) {
    const { disableAddon } = await import("../../cluster/addons.js");
    await disableAddon(await cli.profile(), name!, cli.context);
    cli.done({ disabled: name }, `${name} is off`);
  },
});

export const command: CommandGroup = {
  name: "addons",
  summary: "List add-ons, turn them on or off",
  commands: [list, enable, disable],
};
