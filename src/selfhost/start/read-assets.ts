import { join } from "node:path";
import { exists, readJson, readTextIfPresent } from "../../base/files.js";
import { credentialsFromKubeconfig } from "../../kube/credentials.js";
import { bootstrapParts, bootstrapSecretsPath } from "../../plan/selfhosted/bootstrap.js";
import { type RecoveryRecord, recordName, recoverJournalName } from "../recover/record.js";
import {
  type AssetObject,
  bootstrapPodsIn,
  incomplete,
  portOf,
  readNeeded,
  readRendered,
  readTree,
  type StartAssets,
} from "./assets.js";

/**
 * Reads an asset directory, rendered or recovered; writes nothing.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` that names every file that is missing, or file, line and column of what is wrong
 */
export async function readAssets(directory: string): Promise<StartAssets> {
  const record = await readJson<RecoveryRecord>(join(directory, recordName));
  if (record) return readRecovered(directory, record);
  if (await exists(join(directory, recoverJournalName))) throw incomplete(directory, [recordName], again);
  return readRendered(directory);
}

/** What `selfhost recover --recovery-dir` wrote: a bootstrap control plane, over the objects that there are. */
async function readRecovered(directory: string, { port, workloads }: RecoveryRecord): Promise<StartAssets> {
  const kubeconfigPath = "auth/kubeconfig";
  const needed = [
    kubeconfigPath,
    "tls/ca.crt",
    ...bootstrapParts.map(({ file }) => `bootstrap-manifests/${file}`),
  ];
  const { texts, missing } = await readNeeded(directory, needed);
  if (missing.length > 0) throw incomplete(directory, missing, again);
  const bootstrapPods = bootstrapPodsIn(texts);
  const secrets = await readTree(join(directory, "tls"));
  for (const own of ["ca.crt", "ca.key"]) secrets.delete(own);
  const lost = bootstrapPods
    .flatMap(({ pod }) => directoriesOf(pod.spec))
    .filter((path) => ![...secrets.keys()].some((file) => file.startsWith(`${path}/`)));
  if (lost.length > 0)
    throw incomplete(
      directory,
      lost.map((path) => `tls/${path}/`),
      again,
    );
  const kubeconfig = texts.get(kubeconfigPath)!;
  const [apiServer] = bootstrapPods;
  return {
    directory,
    kubeconfig: join(directory, kubeconfigPath),
    credentials: { ...credentialsFromKubeconfig(kubeconfig), server: `https://127.0.0.1:${port}` },
    caCertificate: texts.get("tls/ca.crt")!,
    caKey: await readTextIfPresent(join(directory, "tls/ca.key")),
    bootstrapPods,
    secrets,
    manifests: [],
    workloads: workloads.map(
      ({ kind, name }): AssetObject => ({
        file: "",
        object: { apiVersion: "apps/v1", kind, metadata: { name, namespace: "kube-system" } },
      }),
    ),
    recovered: true,
    port,
    bootstrapPort: portOf({ file: `bootstrap-manifests/${apiServer!.file}`, object: apiServer!.pod }),
  };
}

const again = (directory: string): string =>
  `write it again: slipway selfhost recover --recovery-dir ${directory}`;

/** What a bootstrap pod reads, below the bootstrap secrets' directory. */
const directoriesOf = (spec: unknown): string[] =>
  ((spec as { volumes?: { hostPath?: { path: string } }[] } | undefined)?.volumes ?? []).flatMap(
    ({ hostPath }) => {
      const prefix = `${bootstrapSecretsPath}/`;
      return hostPath?.path.startsWith(prefix) ? [hostPath.path.slice(prefix.length)] : [];
    },
  );
