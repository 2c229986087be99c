import { defineCommand } from "../command.js";

export const command = defineCommand({
  name: "ip",
  summary: "Print a node's address",
  flags: {
    node: {
      short: "n",
      type: "string",
      value: "NAME",
      summary: "The node; without it the first one",
      complete: "node",
    },
  },
  async run(cli, _args, flags) {
    const { nodeAddress } = await import("../../cluster/access.js");
    cli.print(await nodeAddress(await cli.profile(), flags.node, cli.context));
  },
});
