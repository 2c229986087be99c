import { clusterUnits, endpointUnits } from "../../cluster/units.js";
import { defineCommand } from "../command.js";
import { nodeFlag } from "../node-flag.js";

export const command = defineCommand({
  name: "logs",
  summary: "Print the logs of a cluster's nodes",
  flags: {
    follow: { short: "f", type: "boolean", summary: "Go on with what is logged from now on" },
    node: { ...nodeFlag, summary: "The node, or all; without it the first one" },
    unit: {
      type: "strings",
      value: "UNIT",
      summary: "Only this systemd unit, e.g. kubelet; can be repeated",
      complete: [...clusterUnits, ...endpointUnits],
    },
    problems: { type: "boolean", summary: "Only lines that tell of a problem" },
    length: {
      type: "integer",
      value: "LINES",
      summary: "How many of the last lines to look at, on each node",
    },
  },
  examples: [
    ["logs --problems", "what went wrong on the first node"],
    ["logs -f -n all --unit kubelet", "follow the kubelets of all nodes"],
  ],
  async run(cli, _args, flags) {
    const { clusterLogs } = await import("../../cluster/logs.js");
    await clusterLogs(
      await cli.profile(),
      {
        units: flags.unit,
        follow: flags.follow,
        problems: flags.problems,
        ...(flags.node === undefined ? {} : { node: flags.node }),
        ...(flags.length === undefined ? {} : { lines: flags.length }),
        onLine: (line, node) => cli.print(flags.node === "all" ? `${node} | ${line}` : line),
      },
      cli.context,
    );
  },
});
