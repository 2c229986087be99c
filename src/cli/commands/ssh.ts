import { defineCommand } from "../command.js";
import { nodeFlag } from "../node-flag.js";

export const command = defineCommand({
  name: "ssh",
  summary: "Open a shell in a node, or run one command there",
  arguments: [
    { name: "COMMAND", summary: "The command; without it a shell", variadic: true, optional: true },
  ],
  flags: {
    node: nodeFlag,
  },
  examples: [
    ["ssh", "a shell in the first node"],
    ["ssh -n slipway-m02 -- journalctl -u kubelet", "one command, in another node"],
    ["ssh -- 'cd /etc/kubernetes && ls | wc -l'", "a line for the node's shell"],
  ],
  passThrough: true,
  async run(cli, args, flags) {
    const { nodeShell } = await import("../../cluster/access.js");
    return nodeShell(await cli.profile(), flags.node, args, cli.context);
  },
});
