import { rm } from "node:fs/promises";
import type { Context } from "../../base/context.js";
import { isSlipwayError, messageOf, SlipwayError } from "../../base/errors.js";
import { refOf } from "../../components/catalog.js";
import type { MachineDriver } from "../../machines/driver.js";
import { etcdctlSettings } from "../../plan/etcd-client.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { hostDriver } from "../driver.js";
import { lockProfile, readProfile } from "../profile.js";
import type { SnapshotDescription } from "./description.js";
import { readIdentity } from "./identity.js";
import { ensureEtcdutl, inspectFile } from "./inspect.js";
import { freePlace, partOf, refuseOverwriting, type Snapshot, shelve, sweptShelf } from "./shelf.js";

export interface SaveOptions {
  /** @default the time, in UTC: `20261129-215658-042` */
  name?: string;
  /** An absolute path outside the profile, where a `slipway delete` does not reach. */
  file?: string;
}

/**
 * Takes a snapshot of a running cluster's etcd, verifies it, and keeps it in the profile, or at `options.file`.
 *
 * @throws {SlipwayError} `PROFILE_NOT_FOUND`, `PROFILE_BUSY`, `USAGE` for a name that is taken, `MACHINE_NOT_RUNNING`,
 * `API_UNREACHABLE` when no member answers, `DISK_FULL`
 */
export async function saveSnapshot(name: string, options: SaveOptions, context: Context): Promise<Snapshot> {
  const { spec } = await readProfile(name, context);
  await using _lock = await lockProfile(name, context);
  const shelf = await sweptShelf(name, context);
  const called = options.name ?? timeName(context.clock.now());
  const path = options.file ?? (await freePlace(shelf, called));
  if (options.file !== undefined) await refuseOverwriting(options.file);
  return takeSnapshot(
    { spec, driver: hostDriver(context), etcdutl: await ensureEtcdutl(spec.kubernetesVersion, context) },
    { path, name: called, reason: "asked" },
    context,
  );
}

/** `20261129-215658-042`: two in one second are two. */
export const timeName = (now: Date): string =>
  now.toISOString().slice(0, 23).replaceAll(/[-:]/g, "").replaceAll(/[T.]/g, "-");

/** Where the node puts what is fetched from it at once. */
const outgoing = "/var/lib/slipway/outgoing";

/** $1: how long to wait for the member, in seconds. A health check reads through the quorum: a member that lags fails it. */
const saveScript = `set -eu
umask 077
rm -rf ${outgoing}
mkdir -p ${outgoing}
trap '[ $? = 0 ] || rm -rf ${outgoing}' EXIT
${etcdctlSettings}etcdctl endpoint health --command-timeout="$1s" >/dev/null
etcdctl snapshot save ${outgoing}/snapshot.db >/dev/null`;

export interface SnapshotSource {
  spec: ClusterSpec;
  driver: MachineDriver;
  /** Path of the program, on the host. */
  etcdutl: string;
}

/** Takes a snapshot of the first member that answers to a place that is free. The caller holds the profile's lock. */
export async function takeSnapshot(
  { spec, driver, etcdutl }: SnapshotSource,
  { path, name, reason }: { path: string } & Pick<SnapshotDescription, "name" | "reason">,
  context: Context,
): Promise<Snapshot> {
  const cluster = spec.metadata.name;
  const identity = await readIdentity(cluster, context);
  const part = partOf(path);
  try {
    const node = await saveOnNode(spec, driver, context);
    const takenAt = context.clock.now().toISOString();
    await driver.copyOut(cluster, node, `${outgoing}/snapshot.db`, part, context);
    await driver.exec(cluster, node, ["rm", "-rf", outgoing], { signal: context.signal });
    const inspected = await inspectFile(part, etcdutl, context);
    const { kubernetesVersion } = spec;
    const etcdVersion = refOf("etcd", kubernetesVersion).version.replace(/^v/, "");
    const description: SnapshotDescription = {
      version: 1,
      name,
      takenAt,
      reason,
      node,
      cluster,
      kubernetesVersion,
      etcdVersion,
      ...inspected,
      ...identity,
    };
    return await shelve(part, path, description, context);
  } finally {
    await rm(part, { force: true });
  }
}

/** @returns the node that has it */
async function saveOnNode(spec: ClusterSpec, driver: MachineDriver, { signal }: Context): Promise<string> {
  const cluster = spec.metadata.name;
  const members = spec.nodes.filter(({ role }) => role === "control-plane");
  const machines = await driver.list(cluster);
  const running = members.filter(({ name }) =>
    machines.some((machine) => machine.name === name && machine.state === "running"),
  );
  if (running.length === 0) {
    throw new SlipwayError("MACHINE_NOT_RUNNING", `the control plane of ${cluster} does not run`, {
      hint: `start it first: slipway start -p ${cluster}`,
    });
  }
  let failure: unknown;
  for (const { name } of running) {
    try {
      await driver.exec(cluster, name, ["/bin/sh", "-c", saveScript, "sh", "5"], { signal });
      return name;
    } catch (error) {
      signal.throwIfAborted();
      failure = error;
    }
  }
  if (isSlipwayError(failure, "DISK_FULL")) throw failure;
  const output = failure instanceof SlipwayError ? failure.details.output : undefined;
  throw new SlipwayError("API_UNREACHABLE", `etcd gave no snapshot on ${running.map(({ name }) => name)}`, {
    hint: `slipway logs -p ${cluster} -n ${running[0]!.name} --unit etcd`,
    details: { "last seen": output ?? messageOf(failure) },
    cause: failure,
  });
}
