import { defineCommand } from "../command.js";

export const command = defineCommand({
  name: "pause",
  summary: "Freeze a cluster: no CPU is used, memory is kept",
  outputs: ["text", "json"],
  streams: true,
  async run(cli) {
    const name = await cli.profile();
    const { pauseCluster } = await import("../../cluster/pause.js");
    await pauseCluster(name, cli.context);
    cli.done({ paused: name }, `${name} is paused; to go on: slipway unpause -p ${name}`);
  },
});
