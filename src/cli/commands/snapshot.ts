import { resolve } from "node:path";
import { parseSnapshotInterval } from "../../spec/snapshots.js";
import { type CommandGroup, defineCommand } from "../command.js";
import { bytes, seconds } from "../output/figures.js";
import { table } from "../output/table.js";
import { usage } from "../usage.js";

const save = defineCommand({
  name: "snapshot save",
  summary: "Take a snapshot of a running cluster's state",
  description:
    "All objects, as etcd has them; not what is in volumes or images. It is kept with the cluster, and goes with it; a FILE is yours, with its description beside it (FILE with .json), and can be restored while the cluster has the same keys.",
  arguments: [{ name: "FILE", summary: "Where to write it instead", optional: true, complete: "file" }],
  flags: {
    name: { type: "string", value: "NAME", summary: "What to call it (default: the time)" },
  },
  examples: [
    ["snapshot save --name before-upgrade", "kept with the cluster"],
    ["snapshot save /backup/demo.db", "a file of yours"],
  ],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, [file], { name }) {
    if (file !== undefined && name !== undefined) {
      throw usage("a snapshot goes either into a FILE or under a --name", "leave one of them out");
    }
    if (file?.endsWith(".json")) throw usage(`${file} would be its description's name`, "end it in .db");
    const { saveSnapshot } = await import("../../cluster/snapshot/save.js");
    const began = cli.context.clock.monotonicMs();
    const options = {
      ...(name === undefined ? {} : { name }),
      ...(file === undefined ? {} : { file: resolve(cli.workingDirectory, file) }),
    };
    const snapshot = await saveSnapshot(await cli.profile(), options, cli.context);
    const took = seconds(cli.context.clock.monotonicMs() - began);
    cli.done(
      { ...snapshot },
      `saved ${file ?? snapshot.name} in ${took}: ${snapshot.etcd.totalKey} keys at revision ${snapshot.etcd.revision}, ${bytes(snapshot.sizeBytes)}`,
    );
  },
});

const list = defineCommand({
  name: "snapshot list",
  aliases: ["ls"],
  summary: "List a cluster's snapshots, oldest first",
  description: "Those on the host, and those that running nodes took by schedule.",
  outputs: ["table", "json", "yaml"],
  async run(cli) {
    const { listSnapshots } = await import("../../cluster/snapshot/snapshots.js");
    const snapshots = await listSnapshots(await cli.profile(), cli.context);
    await cli.show(snapshots, () =>
      table(
        ["snapshot", "taken", "why", "kubernetes", "revision", "keys", "size", "where"],
        snapshots.map(({ name, takenAt, reason, kubernetesVersion, etcd, sizeBytes, place }) => [
          name,
          takenAt.replace(/\.\d+Z$/, "Z"),
          reason,
          kubernetesVersion,
          String(etcd.revision),
          String(etcd.totalKey),
          bytes(sizeBytes),
          place,
        ]),
      ),
    );
  },
});

const restore = defineCommand({
  name: "snapshot restore",
  summary: "Put a cluster back to what it was at a snapshot",
  description:
    "The snapshot is verified before anything is touched. What is there is saved first (before-restore-…), and comes back if the restore fails. A restore that was killed is finished by running it again, or by slipway start.",
  arguments: [
    {
      name: "SNAPSHOT",
      summary: "Its name, a file, or latest (the default)",
      optional: true,
      complete: "file",
    },
  ],
  flags: {
    force: {
      type: "boolean",
      summary: "Take a file that has no description beside it, and so may be of any cluster",
    },
  },
  examples: [
    ["snapshot restore", "the newest one"],
    ["snapshot restore before-upgrade", "one by its name"],
    ["snapshot restore /backup/demo.db", "a file"],
  ],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, [wanted], { force }) {
    const { restoreSnapshot } = await import("../../cluster/snapshot/restore.js");
    const began = cli.context.clock.monotonicMs();
    const profile = await cli.profile();
    const snapshot = await restoreSnapshot(
      profile,
      { ...(wanted === undefined ? {} : { wanted }), workingDirectory: cli.workingDirectory, force },
      cli.context,
    );
    const took = seconds(cli.context.clock.monotonicMs() - began);
    const when = snapshot.description ? `, taken ${snapshot.description.takenAt}` : "";
    cli.done({ profile, ...snapshot }, `${profile} is back at ${snapshot.label}${when}, in ${took}`);
  },
});

const remove = defineCommand({
  name: "snapshot delete",
  aliases: ["rm"],
  summary: "Remove snapshots, from the host or from the nodes that have them",
  arguments: [{ name: "SNAPSHOT", summary: "Its name, as snapshot list shows it", variadic: true }],
  outputs: ["text", "json"],
  streams: true,
  async run(cli, names) {
    const { deleteSnapshots } = await import("../../cluster/snapshot/snapshots.js");
    await deleteSnapshots(await cli.profile(), names, cli.context);
    cli.done({ deleted: names }, `deleted: ${names.join(", ")}`);
  },
});

const schedule = defineCommand({
  name: "snapshot schedule",
  summary: "Have a cluster take snapshots by itself; without a flag, show whether it does",
  description:
    "A timer on each control-plane node takes them, verifies them, and keeps the newest there, in /var/lib/slipway/snapshots. It stays through stop and start. What was due while a node was off is made up for.",
  flags: {
    every: { type: "string", value: "DURATION", summary: "How often: 6h, 90m" },
    keep: { type: "integer", value: "COUNT", summary: "How many each node keeps (default 7)" },
    off: { type: "boolean", summary: "No more; those that there are stay" },
  },
  examples: [
    ["snapshot schedule --every 6h --keep 7", "four a day, the last seven kept"],
    ["snapshot schedule --off", "no more"],
  ],
  outputs: ["text", "json", "yaml"],
  async run(cli, _args, { every, keep, off }) {
    const { readSchedule, setSchedule } = await import("../../cluster/snapshot/schedule.js");
    const profile = await cli.profile();
    if (off && (every !== undefined || keep !== undefined)) {
      throw usage("--off goes alone", "leave --every and --keep out");
    }
    const existing = await readSchedule(profile, cli.context);
    if (every === undefined && keep === undefined && !off) {
      await cli.show(existing ?? {}, () =>
        existing ? `every ${existing.every}, the last ${existing.keep} kept on each node` : "off",
      );
      return;
    }
    if (!off && every === undefined && !existing) throw usage("how often is missing", "give --every 6h");
    if (every !== undefined) parseSnapshotInterval(every);
    if (keep !== undefined && (keep < 1 || keep > 1000)) {
      throw usage(`--keep ${keep} is not possible`, "keep 1 to 1000");
    }
    const wanted = off ? undefined : { every: every ?? existing!.every, keep: keep ?? existing?.keep ?? 7 };
    const nodes = await setSchedule(profile, wanted, cli.context);
    const where = nodes.length > 0 ? `on ${nodes.join(", ")}` : "from the next start on";
    await cli.show({ profile, schedule: wanted ?? null, nodes }, () =>
      wanted
        ? `${profile} takes a snapshot every ${wanted.every} and keeps ${wanted.keep}, ${where}`
        : `${profile} takes no more snapshots by itself, ${where}`,
    );
  },
});

export const command: CommandGroup = {
  name: "snapshot",
  summary: "Save a cluster's state, or put it back",
  commands: [save, list, restore, remove, schedule],
};
