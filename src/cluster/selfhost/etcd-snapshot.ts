import { join } from "node:path";
import type { Context } from "../../base/context.js";
import type { MachineDriver } from "../../machines/driver.js";
import { pki, places } from "../../plan/places.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { profilePaths } from "../profile.js";
import { controlPlanes } from "./control-plane.js";

const outgoing = "/var/lib/slipway/outgoing";

const saveScript = `set -eu
umask 077
rm -rf ${outgoing}
mkdir -p ${outgoing}
export ETCDCTL_ENDPOINTS=https://127.0.0.1:2379
export ETCDCTL_CACERT=${pki("etcd/ca.crt")}
export ETCDCTL_CERT=${pki("apiserver-etcd-client.crt")}
export ETCDCTL_KEY=${pki("apiserver-etcd-client.key")}
${places.bin}/etcdctl endpoint health >/dev/null
${places.bin}/etcdctl snapshot save ${outgoing}/snapshot.db >/dev/null
${places.bin}/etcdutl snapshot status ${outgoing}/snapshot.db >/dev/null`;

/**
 * Takes a snapshot of etcd into the profile, and verifies it.
 *
 * @returns its path on the host
 */
export async function snapshotEtcd(
  { spec, driver }: { spec: ClusterSpec; driver: MachineDriver },
  name: string,
  context: Context,
): Promise<string> {
  const cluster = spec.metadata.name;
  const path = join(profilePaths(cluster, context).directory, `etcd-${name}.db`);
  const node = controlPlanes(spec)[0]!.name;
  await driver.exec(cluster, node, ["/bin/sh", "-c", saveScript], { signal: context.signal });
  await driver.copyOut(cluster, node, `${outgoing}/snapshot.db`, path, context);
  await driver.exec(cluster, node, ["rm", "-rf", outgoing], { signal: context.signal });
  return path;
}
