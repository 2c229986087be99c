import { type CommandGroup, defineCommand } from "../command.js";
import { table } from "../output/table.js";

const list = defineCommand({
  name: "profile list",
  aliases: ["ls"],
  summary: "List all clusters",
  outputs: ["table", "json", "yaml"],
  async run(cli) {
    const { listProfiles } = await import("../../cluster/profiles.js");
    const profiles = await listProfiles(cli.context);
    await cli.show(profiles, () =>
      table(
        ["profile", "driver", "kubernetes", "nodes", "address", "status", "active"],
        profiles.map((profile) => [
          profile.name,
          profile.driver ?? "",
          profile.kubernetesVersion ?? "",
          String(profile.nodes ?? ""),
          profile.address ?? "",
          profile.status,
          profile.active ? "*" : "",
        ]),
      ),
    );
  },
});

const use = defineCommand({
  name: "profile use",
  summary: "Make a cluster the active one; without a name, print which is",
  description:
    "The active cluster is the one that commands mean when there is no -p. `slipway profile NAME` is the same.",
  arguments: [{ name: "NAME", summary: "The cluster's name", optional: true, complete: "profile" }],
  async run(cli, [name]) {
    const { activeProfile, useProfile } = await import("../../cluster/profiles.js");
    if (name === undefined) {
      cli.print(await activeProfile(cli.context));
      return;
    }
    await useProfile(name, cli.context);
    cli.done({ active: name }, `the active cluster is ${name}`);
  },
});

export const command: CommandGroup = {
  name: "profile",
  summary: "List clusters, or choose the active one",
  commands: [list, use],
  fallback: "use",
};
