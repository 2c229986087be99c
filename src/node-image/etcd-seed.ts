import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../base/context.js";
import { handOver } from "../base/hand-over.js";
import type { StoredComponent } from "../components/component.js";
import { makeOnce } from "../components/oci/make-once.js";
import { runInNodeImage } from "./run-once.js";

/** Raised when the seed changes in a way that its inputs do not show. */
const revision = 1;

/**
 * What stays: objects that every API server of that version makes by itself at its first start, the same in every cluster.
 * No namespace (its UID stands for the cluster), no Service, lease, ConfigMap, token or key.
 */
const kept = [
  "apiregistration.k8s.io",
  "clusterrolebindings",
  "clusterroles",
  "flowschemas",
  "priorityclasses",
  "prioritylevelconfigurations",
  "rolebindings",
  "roles",
];

/**
 * Starts etcd and the API server alone, waits until the API server has made its objects, removes all but those above, and
 * saves a snapshot. $1: the kept resources, separated by |
 */
const script = `set -eu
ip link set lo up
client=http://127.0.0.1:2379
export ETCDCTL_ENDPOINTS=$client
etcd --data-dir /tmp/etcd --log-level error --listen-client-urls $client --advertise-client-urls $client &
etcd=$!
kube-apiserver --etcd-servers $client --bind-address 127.0.0.1 --advertise-address 192.0.2.1 --secure-port 6443 --cert-dir /tmp/certs \\
  --authorization-mode Node,RBAC --service-cluster-ip-range 10.96.0.0/16 --service-account-issuer https://seed \\
  --service-account-key-file /mnt/seed/sa.key --service-account-signing-key-file /mnt/seed/sa.key \\
  >/tmp/api.log 2>&1 &
api=$!
tries=0
until etcdctl get /registry/rolebindings/kube-system/ --prefix --keys-only 2>/dev/null | grep -q token-cleaner \\
  && etcdctl get /registry/apiregistration.k8s.io/ --prefix --keys-only | grep -q v1.storage.k8s.io \\
  && etcdctl get /registry/flowschemas/ --prefix --keys-only | grep -q service-accounts; do
  tries=$((tries + 1))
  if [ $tries -gt 600 ]; then tail -n 20 /tmp/api.log; exit 1; fi
  kill -0 $api || { tail -n 20 /tmp/api.log; exit 1; }
  sleep 0.1
done
sleep 0.5
kill $api
wait $api || true
for key in $(etcdctl get / --prefix --keys-only); do
  echo "$key" | grep -qE "^/registry/($1)/" || etcdctl del "$key" >/dev/null
done
revision=$(etcdctl get / --write-out json | sed 's/.*"revision":\\([0-9]*\\).*/\\1/')
etcdctl compact --physical "$revision" >/dev/null
etcdctl defrag >/dev/null
etcdctl snapshot save /mnt/seed/seed.db >/dev/null 2>&1
kill $etcd
wait $etcd || true
`;

/**
 * A snapshot of etcd with the roles, bindings and flow schemas that an API server makes at its first start: what takes a
 * fresh one about two seconds. Made once for each version; holds no identity and no secret. The API server checks these
 * objects at every start, and adds and mends what differs.
 *
 * @returns path of the snapshot, for `etcdutl snapshot restore`
 */
export async function ensureEtcdSeed(
  components: StoredComponent[],
  node: { nodeImage: string; layer: string },
  context: Context,
): Promise<string> {
  const inputs = components.map(({ name, sha256 }) => ({ name, sha256 }));
  const id = createHash("sha256")
    .update(JSON.stringify([revision, script, kept, inputs]))
    .digest("hex")
    .slice(0, 16);
  const directory = join(context.paths.cache, "etcd-seeds", id);
  await makeOnce(directory, "the etcd seed", context, async (partial) => {
    const progress = {
      type: "progress",
      subject: "etcd seed",
      phase: "build",
      unit: "files",
      total: 1,
    } as const;
    context.events({ ...progress, done: 0, state: "running" });
    const scratch = join(partial, "scratch");
    const shared = join(scratch, "seed");
    await mkdir(shared, { recursive: true, mode: 0o700 });
    // Only this API server signs with it, and nothing that it signed is kept.
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    await writeFile(join(shared, "sa.key"), privateKey.export({ type: "sec1", format: "pem" }), {
      mode: 0o600,
    });
    await runInNodeImage(
      {
        id: `seed-${id}`,
        nodeImage: node.nodeImage,
        layer: node.layer,
        scratch,
        script,
        args: [kept.join("|")],
        binds: [{ source: shared, destination: "/mnt/seed", writable: true }],
      },
      context,
    );
    await rename(join(shared, "seed.db"), join(partial, "seed.db"));
    await handOver(join(partial, "seed.db"), context.owner);
    await rm(scratch, { recursive: true });
    context.events({ ...progress, done: 1, state: "ok" });
    return { components: inputs, file: "seed.db" };
  });
  return join(directory, "seed.db");
}
