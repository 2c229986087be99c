import type { Context } from "../../base/context.js";
import type { MachineDriver } from "../../machines/driver.js";
import type { NodeAddress } from "../../plan/addresses.js";
import { places } from "../../plan/places.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { ahead, memberIdentity } from "../etcd-data.js";
import type { Step } from "../operation.js";

/**
 * Puts a snapshot in the place of the data of every etcd member of a cluster. Needs nothing of Kubernetes: machines that run,
 * whose etcd is a systemd unit, and a snapshot that was verified.
 *
 *   …/.slipway-restore/part  ──etcdutl──▶  new/member  ──swap──▶  …/member  ──swap──▶  old/member
 *
 * All members have `new` before the first one is stopped. `old` is what was there before the first try, and goes when the
 * restore has succeeded (`forgetOldData`) or comes back (`putBackOldData`). Every step can be run again from any point.
 */
export interface EtcdRestore {
  spec: ClusterSpec;
  driver: MachineDriver;
  /** The control-plane nodes; all restore the same snapshot. */
  members: NodeAddress[];
  /** On the host. */
  snapshot: string;
  /** Tells what the members are from now on from what they were: an old one cannot join by mistake. */
  token: string;
  /** By how much its revisions go ahead of the snapshot's, on all members alike. */
  bump: number;
  /** Units that are stopped with etcd and started after it: what would serve from memory what is no longer there. */
  clients: string[];
}

export const restoreDirectory = `${places.etcdData}/.slipway-restore`;

const settings = `set -eu
umask 077
data=${places.etcdData} work=${restoreDirectory}
`;

const prepareScript = `${settings}
rm -rf "$work/part"
etcdutl snapshot restore "$work/snapshot.db" --data-dir "$work/part" "$@"
rm -rf "$work/new" "$work/snapshot.db"
mv -T "$work/part" "$work/new"
sync "$work"`;

/** Twice is once; what a member that was started in between made is of neither cluster. */
const swapScript = `${settings}
if [ -e "$work/new/member" ]; then
  mkdir -p "$work/old"
  [ -e "$work/old/member" ] || [ ! -e "$data/member" ] || mv -T "$data/member" "$work/old/member"
  rm -rf "$data/member"
  mv -T "$work/new/member" "$data/member"
elif [ ! -e "$data/member" ] && [ -e "$work/old/member" ]; then
  mv -T "$work/old/member" "$data/member"
fi
sync "$data"`;

const keepScript = `${settings}
[ ! -e "$work/old/member" ] || mv -T "$work/old" "$1"
rm -rf "$work"
sync "$data"`;

const putBackScript = `${settings}
if [ -e "$work/old/member" ]; then
  rm -rf "$data/member"
  mv -T "$work/old/member" "$data/member"
fi
rm -rf "$work"
sync "$data"`;

interface RestoreState {
  etcd: EtcdRestore;
}

export const prepareData: Step<RestoreState> = {
  id: "prepare-data",
  title: "Data from the snapshot",
  async run({ etcd }, context) {
    const { driver, spec, members, token, bump, snapshot } = etcd;
    await onMembers(etcd, async (member) => {
      const cluster = spec.metadata.name;
      await driver.copyIn(cluster, member.name, snapshot, `${restoreDirectory}/snapshot.db`, context);
      const flags = [...ahead(bump), ...memberIdentity(spec, member, members, token)];
      await shell(etcd, member, prepareScript, context, flags);
    });
    return members.map(({ name }) => name).join(", ");
  },
};

export const stopMembers: Step<RestoreState> = {
  id: "stop-control-plane",
  title: "Stopping the control plane",
  async run({ etcd }, context) {
    const units = [...etcd.clients, "etcd.service"].join(" ");
    await onMembers(etcd, (member) => shell(etcd, member, `systemctl stop ${units}`, context));
    return undefined;
  },
};

export const swapData: Step<RestoreState> = {
  id: "swap-data",
  title: "Putting the data in place",
  async run({ etcd }, context) {
    await onMembers(etcd, (member) => shell(etcd, member, swapScript, context));
    return undefined;
  },
};

export const startMembers: Step<RestoreState> = {
  id: "start-control-plane",
  title: "Starting the control plane",
  async run({ etcd }, context) {
    const clients = etcd.clients.join(" ");
    // All at once: a member says that it is up when it has a leader, which takes a majority.
    await onMembers(etcd, (member) =>
      shell(etcd, member, startScript(clients), context, [], { timeoutMs: memberPatienceMs }),
    );
    return undefined;
  },
};

const memberPatienceMs = 90_000;
const startScript = (clients: string): string =>
  `systemctl start etcd.service || { systemctl stop etcd.service; exit 1; }${clients && `; systemctl start --no-block ${clients}`}`;

/** The restore is what counts from now on. */
export const forgetOldData = (etcd: EtcdRestore, context: Context): Promise<void> =>
  onMembers(etcd, (member) => shell(etcd, member, `rm -rf ${restoreDirectory}`, context));

/** The same, and what was there before stays in another place: nobody wanted it gone by name. */
export const keepOldData = (etcd: EtcdRestore, place: string, context: Context): Promise<void> =>
  onMembers(etcd, (member) => shell(etcd, member, keepScript, context, [place]));

/** What was there before the first try is what counts. The members are stopped. */
export const putBackOldData = (etcd: EtcdRestore, context: Context): Promise<void> =>
  onMembers(etcd, (member) => shell(etcd, member, putBackScript, context));

/** Waits for all of them also when one fails: nobody is at work when the next step begins. */
export async function onMembers(
  { members }: EtcdRestore,
  work: (member: NodeAddress) => Promise<unknown>,
): Promise<void> {
  const results = await Promise.allSettled(members.map(work));
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

export const shell = (
  { driver, spec }: EtcdRestore,
  { name }: NodeAddress,
  script: string,
  { signal }: Context,
  args: string[] = [],
  { timeoutMs }: { timeoutMs?: number } = {},
) =>
  driver.exec(spec.metadata.name, name, ["/bin/sh", "-c", script, "sh", ...args], {
    signal,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
