import { defineCommand } from "../command.js";

export const command = defineCommand({
  name: "unpause",
  summary: "Let a paused cluster go on",
  outputs: ["text", "json"],
  streams: true,
  async run(cli) {
    const name = await cli.profile();
    const { unpauseCluster } = await import("../../cluster/pause.js");
    await unpauseCluster(name, cli.context);
    cli.done({ unpaused: name }, `${name} goes on`);
  },
});
