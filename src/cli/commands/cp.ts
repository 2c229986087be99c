import { defineCommand } from "../command.js";

export const command = defineCommand({
  name: "cp",
  summary: "Copy a file or directory between the host and a node",
  description: "A side on a node is NODE:/PATH, or :/PATH on the first node.",
  arguments: [
    { name: "FROM", summary: "What to copy", complete: "file" },
    { name: "TO", summary: "Where to", complete: "file" },
  ],
  examples: [
    ["cp app.tar slipway:/root/app.tar", "into the node slipway"],
    ["cp slipway:/var/log/pods logs", "out of it"],
  ],
  async run(cli, [from, to]) {
    const { copyFile } = await import("../../cluster/access.js");
    await copyFile(await cli.profile(), from!, to!, cli.context);
    cli.done({ from, to }, `copied ${from} to ${to}`);
  },
});
