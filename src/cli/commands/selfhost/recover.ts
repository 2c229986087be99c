import { relative, resolve } from "node:path";
import type { Cli } from "../../cli.js";
import { defineCommand } from "../../command.js";
import { usage } from "../../usage.js";

const file = (summary: string) => ({ type: "string", value: "FILE", summary, complete: "file" }) as const;

/** Of a recovery into a directory alone. */
const directoryFlags = {
  kubeconfig: file("With --recovery-dir: an administrator's; the API is the source when no other is named"),
  "etcd-servers": {
    type: "string",
    value: "URLS",
    summary: "With --recovery-dir: read this etcd",
  },
  "etcd-ca-path": file("Its authority"),
  "etcd-certificate-path": file("A client certificate of it"),
  "etcd-private-key-path": file("That certificate's key"),
  "etcd-prefix": {
    type: "string",
    value: "PREFIX",
    summary: "Where API servers keep objects in etcd (default /registry)",
  },
  "etcd-backup-file": file("With --recovery-dir: read this snapshot of etcd"),
  "encryption-provider-config": file(
    "With what Secrets in etcd are encrypted (default: what the checkpoint on this machine has)",
  ),
  "ca-private-key-path": file("The key of the cluster's authority, for a machine that has lost it"),
  "kubernetes-version": {
    type: "string",
    value: "VERSION",
    summary: "Of the API server that reads etcd's data: the cluster's or newer (default stable)",
  },
} as const;

export const recover = defineCommand({
  name: "selfhost recover",
  summary: "Bring a self-hosted control plane back that is lost, as a whole or in part",
  description:
    "From what is left: the API that answers, etcd, a snapshot (its machines may be gone), or the checkpoints on the nodes' disks. Expired certificates are made anew, under the same authorities. With --recovery-dir, for clusters on your own machines, it only writes what selfhost start --asset-dir goes on from, as bootkube's recover.",
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
    "recovery-dir": {
      type: "string",
      value: "DIR",
      summary: "Only write a bootstrap control plane there, new or empty",
      complete: "file",
    },
    ...directoryFlags,
  },
  examples: [
    ["selfhost recover", "the source is chosen by what is left"],
    ["selfhost recover --snapshot backup.db", "from a snapshot kept elsewhere, its machines made anew"],
    [
      "selfhost recover --recovery-dir recovered --kubeconfig admin.conf --etcd-backup-file backup.db",
      "on a machine of your own, for selfhost start --asset-dir recovered",
    ],
  ],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, _, flags) {
    if (flags["recovery-dir"] !== undefined) return recoverInto(flags["recovery-dir"], flags, cli);
    const foreign = Object.keys(directoryFlags).find(
      (flag) => flags[flag as keyof typeof flags] !== undefined,
    );
    if (foreign !== undefined) throw usage(`--${foreign} goes with --recovery-dir`, "--recovery-dir DIR");
    const { from, snapshot, force } = flags;
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

type DirectoryFlags = Partial<Record<keyof typeof directoryFlags, string | undefined>> & {
  from?: string | undefined;
  snapshot?: string | undefined;
};

async function recoverInto(directory: string, flags: DirectoryFlags, cli: Cli): Promise<void> {
  if (flags.from !== undefined || flags.snapshot !== undefined) {
    throw usage(
      "--from and --snapshot are for slipway's own clusters, and not with --recovery-dir",
      "--etcd-servers URLS or --etcd-backup-file FILE",
    );
  }
  const [{ recoveryRequest }, { recoverAssets }, catalog] = await Promise.all([
    import("../../../selfhost/recover/request.js"),
    import("../../../selfhost/recover/recover.js"),
    import("../../../components/catalog.js"),
  ]);
  const target = resolve(cli.workingDirectory, directory);
  const request = await recoveryRequest(flags, {
    workingDirectory: cli.workingDirectory,
    supportedVersions: catalog.supportedKubernetesVersions,
    defaultVersion: catalog.defaultKubernetesVersion,
  });
  const record = await recoverAssets({ directory: target, ...request }, cli.context);
  const where = relative(cli.workingDirectory, target) || ".";
  cli.done(
    { directory: target, ...record },
    `a bootstrap control plane is in ${where}, from ${record.from}; go on, on the control-plane node: slipway selfhost start --asset-dir ${where}`,
  );
}
