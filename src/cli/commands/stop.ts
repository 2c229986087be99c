import { defineCommand } from "../command.js";

export const command = defineCommand({
  name: "stop",
  summary: "Power a cluster off; its data stays",
  description: "`slipway start` brings it back with everything it held.",
  flags: { all: { type: "boolean", summary: "Stop every cluster" } },
  examples: [
    ["stop", "the active cluster"],
    ["stop -p demo", "the cluster demo"],
  ],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, _args, flags) {
    const { stopCluster } = await import("../../cluster/stop.js");
    const { profileNames } = await import("../../cluster/profile.js");
    const names = flags.all ? await profileNames(cli.context) : [await cli.profile()];
    for (const name of names) await stopCluster(name, cli.context);
    cli.done({ stopped: names }, names.length === 0 ? "there is no cluster" : `stopped: ${names.join(", ")}`);
  },
});
