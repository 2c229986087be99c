import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "../../base/context.js";
import { messageOf, SlipwayError } from "../../base/errors.js";
import { readTextIfPresent } from "../../base/files.js";
import { run } from "../../base/run.js";
import { Scope } from "../../base/scope.js";
import { inspectFile } from "../../cluster/snapshot/inspect.js";
import { refOf } from "../../components/catalog.js";
import { ensureComponents } from "../../components/ensure.js";
import { connect, type KubeClient } from "../../kube/client.js";
import type { KubeCredentials } from "../../kube/credentials.js";
import { places } from "../../plan/places.js";
import { filesVolume } from "../../plan/selfhosted/pods.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import type { RecoveryOrigin } from "./record.js";
import { serveSnapshot } from "./throwaway.js";

/** An etcd that answers; files by their paths. */
export interface EtcdEndpoints {
  servers: string[];
  caPath: string;
  certificatePath: string;
  keyPath: string;
}

/** Where the control plane's objects are read. */
export type RecoveryFrom =
  | { origin: "api"; credentials: KubeCredentials }
  | ({ origin: "etcd"; etcd: EtcdEndpoints } & StoredData)
  | ({ origin: "snapshot"; file: string } & StoredData);

interface StoredData {
  /** Where API servers keep objects in etcd. */
  prefix: string;
  /** An EncryptionConfiguration; undefined: that of the checkpoint on this machine, if there is one. */
  encryption: string | undefined;
  /** Of the API server that reads it. */
  kubernetesVersion: string;
}

/** Something to read objects from. */
export interface RecoverySource extends AsyncDisposable {
  origin: RecoveryOrigin;
  client: KubeClient;
}

/**
 * Opens what a control plane is to be read from. Of an etcd a snapshot is taken, and what reads it works on a copy: the source is
 * read, and never written.
 *
 * @throws {SlipwayError} `API_UNREACHABLE`, `SNAPSHOT_INVALID`, `SNAPSHOT_NOT_FOUND`, `API_NOT_READY`, `COMPONENT_UNAVAILABLE`
 */
export async function openSource(from: RecoveryFrom, context: Context): Promise<RecoverySource> {
  if (from.origin === "api") {
    const client = connect(from.credentials);
    return { origin: "api", client, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
  }
  const names = ["etcd", "etcdutl", "kube-apiserver", ...(from.origin === "etcd" ? ["etcdctl"] : [])];
  const found = await ensureComponents(
    names.map((name) => refOf(name, from.kubernetesVersion)),
    {},
    context,
  );
  const programOf = (name: string) => found.get(name)!.path;
  await using scope = new Scope();
  let file: string;
  if (from.origin === "snapshot") file = from.file;
  else {
    const directory = await mkdtemp(join(tmpdir(), "slipway-recover-"));
    scope.defer(() => rm(directory, { recursive: true, force: true }));
    file = join(directory, "snapshot.db");
    await saveSnapshot(from.etcd, file, programOf("etcdctl"), context);
  }
  await inspectFile(file, programOf("etcdutl"), context);
  const { prefix, encryption = await checkpointedEncryption() } = from;
  const served = await serveSnapshot(
    { snapshot: file, prefix, encryption },
    { etcd: programOf("etcd"), etcdutl: programOf("etcdutl"), apiServer: programOf("kube-apiserver") },
    context,
  );
  return {
    origin: from.origin,
    client: served.client,
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  };
}

/** Of the first member that gives one. */
async function saveSnapshot(
  { servers, caPath, certificatePath, keyPath }: EtcdEndpoints,
  file: string,
  etcdctl: string,
  { signal }: Context,
): Promise<void> {
  const seen: Record<string, string> = {};
  for (const server of servers) {
    const tls = [`--cacert=${caPath}`, `--cert=${certificatePath}`, `--key=${keyPath}`];
    const args = ["snapshot", "save", file, `--endpoints=${server}`, ...tls, "--dial-timeout=5s"];
    try {
      await run(etcdctl, args, { signal, timeoutMs: 300_000 });
      return;
    } catch (error) {
      signal.throwIfAborted();
      const output = error instanceof SlipwayError ? error.details.output : undefined;
      seen[server] = output?.trim().split("\n").at(-1) ?? messageOf(error);
    }
  }
  throw new SlipwayError("API_UNREACHABLE", "etcd gives no snapshot", {
    details: seen,
    hint: "--etcd-servers, --etcd-ca-path, --etcd-certificate-path and --etcd-private-key-path say where it is and who we are to it",
  });
}

/** The pod-checkpointer keeps what the API server of this machine reads. */
const checkpointedEncryption = (): Promise<string | undefined> =>
  readTextIfPresent(
    `${places.kubernetes}/checkpoint-secrets/kube-system/${workloadNames.apiServer}/${filesVolume}/encryption.yaml`,
  );
