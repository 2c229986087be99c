import { defineCommand } from "../command.js";

export const command = defineCommand({
  name: "kubectl",
  summary: "Run the kubectl of the cluster's own version against it",
  arguments: [{ name: "ARGS", summary: "What kubectl is called with", variadic: true, optional: true }],
  examples: [
    ["kubectl -- get pods -A", "all that follows -- is kubectl's"],
    ["kubectl -p demo -- apply -f app.yaml", "on the cluster demo"],
  ],
  passThrough: true,
  async run(cli, args) {
    const { kubectl } = await import("../../cluster/access.js");
    return kubectl(await cli.profile(), args, cli.context);
  },
});
