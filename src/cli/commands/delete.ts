import type { Context } from "../../base/context.js";
import { SlipwayError } from "../../base/errors.js";
import { defineCommand } from "../command.js";

export const command = defineCommand({
  name: "delete",
  summary: "Remove a cluster and all that it kept",
  flags: {
    all: { type: "boolean", summary: "Remove every cluster" },
    purge: { type: "boolean", summary: "Remove also settings, components and node images; with --all" },
  },
  examples: [
    ["delete -p demo", "the cluster demo"],
    ["delete --all --purge", "everything that slipway ever wrote for this user"],
  ],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, _args, flags) {
    if (flags.purge && !flags.all) {
      throw new SlipwayError("USAGE", "--purge removes what all clusters share, so it goes with --all", {
        hint: "slipway delete --all --purge",
      });
    }
    const { deleteCluster } = await import("../../cluster/delete.js");
    const { context, kubeconfigFiles } = cli;
    const names = flags.all ? await everything(context) : [await cli.profile()];
    const deleted: string[] = [];
    for (const name of names) {
      if (await deleteCluster(name, { kubeconfigFiles }, context)) deleted.push(name);
    }
    if (flags.purge) await (await import("../purge.js")).purge(context, cli.slipwayHome);
    const line =
      deleted.length > 0
        ? `deleted: ${deleted.join(", ")}`
        : `there is no cluster${flags.all ? "" : ` ${names[0]}`}`;
    cli.done({ deleted, purged: flags.purge }, line);
  },
});

/** Also machines whose profile is gone. */
async function everything(context: Context): Promise<string[]> {
  const { profileNames } = await import("../../cluster/profile.js");
  const { hostDriver } = await import("../../cluster/driver.js");
  const machines = await hostDriver(context).list();
  return [...new Set([...(await profileNames(context)), ...machines.map(({ cluster }) => cluster)])].sort();
}
