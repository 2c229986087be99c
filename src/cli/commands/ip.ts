import { defineCommand } from "../command.js";
import { nodeFlag } from "../node-flag.js";

export const command = defineCommand({
  name: "ip",
  summary: "Print a node's address",
  flags: {
    node: nodeFlag,
  },
  async run(cli, _args, flags) {
    const { nodeAddress } = await import("../../cluster/access.js");
    cli.print(await nodeAddress(await cli.profile(), flags.node, cli.context));
  },
});
