import { defineCommand } from "../../command.js";
import { seconds } from "../../output/figures.js";

export const pivot = defineCommand({
  name: "selfhost pivot",
  summary: "Move a control plane of static pods into objects of the cluster",
  description: "The API serves all the while. Run again, it goes on where it was cut short.",
  examples: [["selfhost pivot -p demo", "what selfhost unpivot undid, or start --bootstrapper static made"]],
  outputs: ["text", "json"],
  streams: true,
  async run(cli) {
    const began = cli.context.clock.monotonicMs();
    const { pivotCluster } = await import("../../../cluster/selfhost/repivot.js");
    const name = await cli.profile();
    await pivotCluster(name, cli.context);
    const took = seconds(cli.context.clock.monotonicMs() - began);
    cli.done(
      { profile: name, bootstrapper: "selfhosted" },
      `the control plane of ${name} is self-hosted after ${took}`,
    );
  },
});

export const unpivot = defineCommand({
  name: "selfhost unpivot",
  summary: "Move a self-hosted control plane back to static pods of its nodes",
  description:
    "The static pods are made of the live objects, with their flags and images as they are now. The API serves all the while. Run again, it goes on where it was cut short.",
  examples: [["selfhost unpivot -p demo", "selfhost pivot brings it back"]],
  outputs: ["text", "json"],
  streams: true,
  async run(cli) {
    const began = cli.context.clock.monotonicMs();
    const { unpivotCluster } = await import("../../../cluster/selfhost/unpivot.js");
    const name = await cli.profile();
    await unpivotCluster(name, cli.context);
    const took = seconds(cli.context.clock.monotonicMs() - began);
    cli.done(
      { profile: name, bootstrapper: "static" },
      `the control plane of ${name} is static pods after ${took}`,
    );
  },
});
