import { errorCodes } from "../../base/errors.js";
import { type CommandGroup, defineCommand } from "../command.js";
import { readInput } from "../input-text.js";

const validate = defineCommand({
  name: "ignition validate",
  summary: "Check Ignition configs, spec 3.0 to 3.5",
  description: `As ignition-validate does, and in a few places more strictly, where Ignition would fail only on the machine. The exit code is ${errorCodes.NODE_CONFIG_INVALID.exitCode} when one is not valid.`,
  arguments: [
    { name: "FILE", summary: "The configs; - is standard input", variadic: true, complete: "file" },
  ],
  outputs: ["text", "json", "yaml"],
  async run(cli, names) {
    const [{ parseIgnition, ignitionError }, { warnOf, invalidFilesError }] = await Promise.all([
      import("../../ignition/parse.js"),
      import("../config-problems.js"),
    ]);
    const results = [];
    for (const name of names) {
      const { text, file } = await readInput(name, cli);
      const { config, problems } = parseIgnition(text, file);
      results.push({ file, valid: config !== undefined, spec: config?.ignition.version, problems });
    }
    const invalid = results.filter(({ valid }) => !valid);
    const [first] = invalid;
    if (cli.output !== "text") {
      await cli.show(results, () => "");
      return first ? errorCodes.NODE_CONFIG_INVALID.exitCode : 0;
    }
    for (const { file, spec, valid, problems } of results) {
      warnOf(problems, cli);
      if (valid) cli.print(`${file}: valid, spec ${spec}`);
    }
    if (!first) return 0;
    if (results.length === 1) throw ignitionError(first.problems, first.file, { limit: 20 });
    throw invalidFilesError(
      invalid.flatMap(({ problems }) => problems),
      `${invalid.length} of ${results.length} files are not valid Ignition configs`,
    );
  },
});

const merge = defineCommand({
  name: "ignition merge",
  summary: "Merge Ignition configs as Ignition does, the parent first",
  description:
    "What a later file says wins; entries of the same path, name or device are merged. Files of different specs become the newest of them.",
  arguments: [
    { name: "FILE", summary: "The configs; - is standard input", variadic: true, complete: "file" },
  ],
  examples: [["ignition merge base.ign worker.ign > merged.ign", "worker.ign over base.ign"]],
  async run(cli, names) {
    const [{ parseIgnition, ignitionError }, { mergeConfigs }, { configOrError }] = await Promise.all([
      import("../../ignition/parse.js"),
      import("../../ignition/merge.js"),
      import("../config-problems.js"),
    ]);
    const configs = [];
    for (const name of names) {
      const { text, file } = await readInput(name, cli);
      configs.push(configOrError(parseIgnition(text, file), file, cli));
    }
    const what = "the merged config";
    const text = JSON.stringify(mergeConfigs(configs), null, 2);
    const { config, problems } = parseIgnition(text, what);
    if (!config) throw ignitionError(problems, what, { limit: 20 });
    cli.print(text);
  },
});

const upgrade = defineCommand({
  name: "ignition upgrade",
  summary: "Bring an Ignition config to a newer spec",
  description:
    "3.x becomes a later 3.x. 2.0 to 2.4, which Container Linux had, becomes 3.4 or newer: warnings name what is said in another way now, and what cannot be said any more is an error.",
  arguments: [
    { name: "FILE", summary: "The config; without it, standard input", optional: true, complete: "file" },
  ],
  flags: {
    to: {
      type: "string",
      value: "SPEC",
      summary: "The spec that it is brought to",
      default: "3.4",
      choices: ["3.0", "3.1", "3.2", "3.3", "3.4", "3.5"],
    },
  },
  examples: [["ignition upgrade old.ign > new.ign", "from Container Linux's 2.x"]],
  async run(cli, [name], flags) {
    const [{ upgradeIgnition }, { configOrError }] = await Promise.all([
      import("../../ignition/upgrade.js"),
      import("../config-problems.js"),
    ]);
    const { text, file } = await readInput(name, cli);
    const upgraded = upgradeIgnition(text, file, Number(flags.to.split(".")[1]));
    cli.print(JSON.stringify(configOrError(upgraded, file, cli), null, 2));
  },
});

export const command: CommandGroup = {
  name: "ignition",
  summary: "Validate, merge or upgrade Ignition configs",
  description: "Problems are printed with file, line and column.",
  commands: [validate, merge, upgrade],
};
