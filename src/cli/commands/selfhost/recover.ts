import { defineCommand } from "../../command.js";

export const recover = defineCommand({
  name: "selfhost recover",
  summary: "Bring a self-hosted control plane back that is lost, as a whole or in part",
  description:
    "From what is left: the API that answers, etcd, a snapshot (its machines may be gone), or the checkpoints on the nodes' disks.",
  flags: {
    from: {
      type: "string",
      value: "SOURCE",
      summary: "Where from (default: the first of api, etcd, snapshot, checkpoints that is there)",
      choices: ["api", "etcd", "snapshot", "checkpoints"],
    },
    snapshot: {
      type: "string",
      value: "NAME",
      summary: "A snapshot's name or file; means --from snapshot (default latest)",
      complete: "file",
    },
    force: { type: "boolean", summary: "Take a snapshot file that has no description beside it" },
  },
  examples: [
    ["selfhost recover", "the source is chosen by what is left"],
    ["selfhost recover --snapshot backup.db", "from a snapshot kept elsewhere, its machines made anew"],
  ],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, _, { from, snapshot, force }) {
    const { recoverCluster } = await import("../../../cluster/recovery/recover.js");
    const name = await cli.profile();
    const recovered = await recoverCluster(
      name,
      {
        ...(from === undefined ? {} : { from: from as "api" }),
        ...(snapshot === undefined ? {} : { snapshot }),
        workingDirectory: cli.workingDirectory,
        force,
        kubeconfigFiles: cli.kubeconfigFiles,
      },
      cli.context,
    );
    const source = recovered.snapshot === undefined ? recovered.from : `snapshot ${recovered.snapshot}`;
    cli.done({ recovered: name, ...recovered }, `${name} is back, from ${source}`);
  },
});
