import { SlipwayError } from "../../base/errors.js";
import { type Argument, type CommandGroup, defineCommand } from "../command.js";
import { table } from "../output/table.js";
import {
  parseSetting,
  readSettings,
  type Settings,
  settingFlag,
  settingFlags,
  writeSettings,
} from "../settings.js";

const key: Argument = {
  name: "KEY",
  summary: "A flag of start, without dashes",
  complete: Object.keys(settingFlags),
};

const set = defineCommand({
  name: "config set",
  summary: "Choose what start does when a flag is not given",
  arguments: [key, { name: "VALUE", summary: "Its value, as the flag takes it" }],
  examples: [["config set memory 4Gi", "clusters that are made from now on"]],
  async run(cli, [name, value]) {
    const setting = parseSetting(name!, value!);
    await writeSettings({ ...(await readSettings(cli.context.paths)), ...setting }, cli.context);
    cli.done({ set: setting }, `${name} is ${value} for clusters that are made from now on`);
  },
});

const get = defineCommand({
  name: "config get",
  summary: "Print a setting",
  arguments: [key],
  outputs: ["text", "json", "yaml"],
  async run(cli, [name]) {
    settingFlag(name!);
    const value = (await readSettings(cli.context.paths))[name as keyof Settings];
    if (value === undefined) {
      throw new SlipwayError("USAGE", `${name} is not set`, { hint: `slipway config set ${name} VALUE` });
    }
    await cli.show(value, () => textOf(value));
  },
});

const unset = defineCommand({
  name: "config unset",
  summary: "Forget a setting",
  arguments: [key],
  async run(cli, [name]) {
    settingFlag(name!);
    const { [name as keyof Settings]: _, ...others } = await readSettings(cli.context.paths);
    await writeSettings(others, cli.context);
    cli.done({ unset: name }, `${name} is not set`);
  },
});

const view = defineCommand({
  name: "config view",
  summary: "Print all settings",
  outputs: ["text", "json", "yaml"],
  async run(cli) {
    const settings = await readSettings(cli.context.paths);
    await cli.show(settings, () =>
      Object.entries(settings)
        .map(([name, value]) => `- ${name}: ${textOf(value)}`)
        .join("\n"),
    );
  },
});

const defaults = defineCommand({
  name: "config defaults",
  summary: "List what can be set, and what holds when it is not",
  arguments: [{ ...key, optional: true }],
  outputs: ["table", "json", "yaml"],
  async run(cli, [name]) {
    const rows = Object.entries(name === undefined ? settingFlags : { [name]: settingFlag(name) }).map(
      ([key, { type, choices, default: value, summary }]) => ({
        key,
        value: choices?.join("|") ?? type,
        default: value ?? "",
        summary,
      }),
    );
    await cli.show(rows, () =>
      table(
        ["key", "value", "default", "what it is"],
        rows.map((row) => [row.key, row.value, row.default, row.summary]),
      ),
    );
  },
});

export const command: CommandGroup = {
  name: "config",
  summary: "Set what start does when a flag is not given",
  description:
    "Settings hold for clusters that start makes from now on, unless a file (-f) describes the cluster.",
  commands: [set, get, unset, view, defaults],
};

const textOf = (value: Settings[keyof Settings]): string =>
  Array.isArray(value) ? value.join(",") : String(value);
