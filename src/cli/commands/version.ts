import { defineCommand } from "../command.js";
import { version } from "../version.js";

export const command = defineCommand({
  name: "version",
  summary: "Print slipway's version",
  flags: { short: { type: "boolean", summary: "Only the number" } },
  outputs: ["text", "json", "yaml"],
  async run(cli, _args, flags) {
    await cli.show({ slipwayVersion: `v${version}` }, () =>
      flags.short ? `v${version}` : `slipway version: v${version}`,
    );
  },
});
