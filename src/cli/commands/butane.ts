import { resolve } from "node:path";
import { defineCommand } from "../command.js";
import { readInput } from "../input-text.js";

export const command = defineCommand({
  name: "butane",
  summary: "Translate a Butane config to Ignition",
  description:
    "The variants fcos 1.0 to 1.6, flatcar 1.0 and 1.1, r4e 1.0 and 1.1, and fiot 1.0, as butane itself translates them. A Container Linux Config, which has no variant, becomes Ignition 3.4; warnings say what was converted.",
  arguments: [
    { name: "FILE", summary: "The config; without it, standard input", optional: true, complete: "file" },
  ],
  flags: {
    check: { short: "c", type: "boolean", summary: "Print nothing: only say what is wrong" },
    "files-dir": {
      short: "d",
      type: "string",
      value: "DIR",
      summary: "Where local, contents_local, ssh_authorized_keys_local and trees are found",
      complete: "file",
    },
    pretty: { type: "boolean", summary: "Indent the JSON" },
    strict: { short: "s", type: "boolean", summary: "Fail on warnings too" },
  },
  examples: [
    ["butane worker.bu > worker.ign", "for one machine"],
    ["butane --strict --files-dir files worker.bu > worker.ign", "with files beside it; warnings are errors"],
  ],
  async run(cli, [name], flags) {
    const [{ translateButane }, { localFiles }, { configOrError }] = await Promise.all([
      import("../../ignition/butane/translate.js"),
      import("../local-files.js"),
      import("../config-problems.js"),
    ]);
    const directory = flags["files-dir"];
    const { text, file } = await readInput(name, cli);
    const local = localFiles(directory === undefined ? undefined : resolve(cli.workingDirectory, directory));
    const translation = translateButane(text, { file, ...local });
    const config = configOrError(translation, file, cli, { kind: "Butane config", strict: flags.strict });
    if (flags.check) return;
    cli.print(JSON.stringify(config, null, flags.pretty ? 2 : undefined));
  },
});
