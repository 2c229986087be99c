import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { SlipwayError } from "../../base/errors.js";
import { exists, readTextIfPresent } from "../../base/files.js";
import { parseManifest } from "../../cluster/manifest-text.js";
import { credentialsFromKubeconfig, type KubeCredentials } from "../../kube/credentials.js";
import { describeObject } from "../../kube/wire.js";
import { breakGlass } from "../../plan/certificates.js";
import type { KubeObject } from "../../plan/kube-object.js";
import { bootstrapParts } from "../../plan/selfhosted/bootstrap.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import { flagOf } from "./flag-of.js";

/** An object of the assets, and the file that it stands in, relative to their directory. */
export interface AssetObject {
  file: string;
  object: KubeObject;
}

/** What a start needs of an asset directory. */
export interface StartAssets {
  directory: string;
  /** In system:masters: RBAC's own objects are among the manifests. */
  kubeconfig: string;
  credentials: KubeCredentials;
  caCertificate: string;
  /** Always of rendered assets; a recovery has it when somebody gave it. */
  caKey: string | undefined;
  /** API server, controller manager, scheduler. */
  bootstrapPods: { file: string; pod: KubeObject }[];
  /** What they read, below their secrets' directory: `kube-apiserver/pki/ca.crt`. */
  secrets: Map<string, string>;
  /** What is applied; nothing of a recovery. */
  manifests: AssetObject[];
  /** Among which are those that take over: the manifests, or what the cluster has. */
  workloads: AssetObject[];
  /** Of a control plane that was lost, and whose objects are there. */
  recovered: boolean;
  /** The cluster's own port, and that of the bootstrap API server. */
  port: number;
  bootstrapPort: number;
}

/**
 * Reads an asset directory that was rendered; writes nothing.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` that names every file that is missing, or file, line and column of what is wrong
 */
export async function readRendered(directory: string): Promise<StartAssets> {
  if (!(await exists(directory))) {
    throw new SlipwayError("CONFIG_INVALID", `there is no directory ${directory}`, {
      hint: `make it: slipway selfhost render --asset-dir ${directory}`,
    });
  }
  const kubeconfigPath = `auth/${breakGlass}.kubeconfig`;
  const needed = [
    kubeconfigPath,
    "tls/ca.crt",
    "tls/ca.key",
    ...bootstrapParts.map(({ file }) => `bootstrap-manifests/${file}`),
    ...bootstrapParts.flatMap(({ component, files }) => files.map(({ path }) => `tls/${component}/${path}`)),
  ];
  const { texts, missing } = await readNeeded(directory, needed);
  if (!(await exists(join(directory, "manifests")))) missing.push("manifests/");
  if (missing.length > 0) throw incomplete(directory, missing);

  const bootstrapPods = bootstrapPodsIn(texts);
  const secrets = new Map<string, string>();
  for (const { component } of bootstrapParts) {
    for (const [path, text] of await readTree(join(directory, "tls", component))) {
      secrets.set(`${component}/${path}`, text);
    }
  }
  const manifests = await readManifests(directory);
  const apiServer = manifests.find(({ object }) => isWorkload(object, "DaemonSet", workloadNames.apiServer));
  if (!apiServer) throw incomplete(directory, ["manifests/kube-apiserver.yaml"]);
  const port = portOf(apiServer);
  const [bootstrapApiServer] = bootstrapPods;
  const bootstrapFile = `bootstrap-manifests/${bootstrapApiServer!.file}`;
  const bootstrapPort = portOf({ file: bootstrapFile, object: bootstrapApiServer!.pod });
  if (port === bootstrapPort) {
    throw new SlipwayError(
      "CONFIG_INVALID",
      `${bootstrapFile}: --secure-port=${port} is that of ${apiServer.file} too`,
      { hint: "the bootstrap API server listens beside the one that takes over: 6444 beside 6443" },
    );
  }
  const kubeconfig = texts.get(kubeconfigPath)!;
  return {
    directory,
    kubeconfig: join(directory, kubeconfigPath),
    // The first of --api-servers may be a load balancer that knows of no API server yet.
    credentials: { ...credentialsFromKubeconfig(kubeconfig), server: `https://127.0.0.1:${port}` },
    caCertificate: texts.get("tls/ca.crt")!,
    caKey: texts.get("tls/ca.key")!,
    bootstrapPods,
    secrets,
    manifests,
    workloads: manifests,
    recovered: false,
    port,
    bootstrapPort,
  };
}

const renderAgain = (directory: string): string =>
  `write what is missing: slipway selfhost render --asset-dir ${directory} (and --overwrite for what was removed)`;

/** Files of an asset directory by their paths in it, and those that are missing. */
export async function readNeeded(
  directory: string,
  needed: readonly string[],
): Promise<{ texts: Map<string, string>; missing: string[] }> {
  const texts = new Map<string, string>();
  const missing: string[] = [];
  for (const path of needed) {
    const text = await readTextIfPresent(join(directory, path));
    if (text === undefined) missing.push(path);
    else texts.set(path, text);
  }
  return { texts, missing };
}

/** The bootstrap control plane, of files that were read. */
export const bootstrapPodsIn = (texts: ReadonlyMap<string, string>): StartAssets["bootstrapPods"] =>
  bootstrapParts.map(({ file, component }) => {
    const path = `bootstrap-manifests/${file}`;
    return { file, pod: onePod(texts.get(path)!, path, `bootstrap-${component}`) };
  });

export function incomplete(
  directory: string,
  missing: string[],
  hintFor: (directory: string) => string = renderAgain,
): SlipwayError {
  const [first, ...others] = missing;
  return new SlipwayError(
    "CONFIG_INVALID",
    `${directory} is not complete: ${first}${others.length > 0 ? ` and ${others.length} more files are` : " is"} missing`,
    {
      ...(others.length > 0 ? { details: { missing: missing.join("\n") } } : {}),
      hint: hintFor(directory),
    },
  );
}

function onePod(text: string, path: string, name: string): KubeObject {
  const [pod, ...others] = parseManifest(text, path);
  if (pod?.kind === "Pod" && others.length === 0 && pod.metadata.name === name) return pod;
  throw new SlipwayError("CONFIG_INVALID", `${path}:1:1: is not the Pod ${name}, and nothing else`, {
    hint: "slipway selfhost render --overwrite writes it again",
  });
}

/** In the order of their paths; an object stands in one of them. */
async function readManifests(directory: string): Promise<AssetObject[]> {
  const tree = await readTree(join(directory, "manifests"));
  const manifests = [...tree].sort().flatMap(([path, text]): AssetObject[] => {
    const file = `manifests/${path}`;
    if (!/\.(ya?ml|json)$/.test(path)) return [];
    return parseManifest(text, file).map((object) => ({ file, object }));
  });
  const seen = new Map<string, string>();
  for (const { file, object } of manifests) {
    const key = `${object.apiVersion} ${describeObject(object)}`;
    const before = seen.get(key);
    if (before !== undefined) {
      const where = before === file ? "it twice" : `it as ${before} has`;
      throw new SlipwayError("CONFIG_INVALID", `${file}: ${describeObject(object)}: has ${where}`, {
        hint: "keep one of them",
      });
    }
    seen.set(key, file);
  }
  return manifests;
}

export const isWorkload = ({ kind, metadata }: KubeObject, wanted: string, name: string): boolean =>
  kind === wanted && metadata.name === name && metadata.namespace === "kube-system";

export function portOf({ file, object }: AssetObject): number {
  const value = flagOf(object, "secure-port") ?? "6443";
  const port = Number(value);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new SlipwayError("CONFIG_INVALID", `${file}: --secure-port=${value} is not a port`);
}

/** Text files by their path below a directory. */
export async function readTree(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  // Editors and we ourselves write to hidden files first.
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith("."));
  return new Map(
    await Promise.all(
      files.map(async (entry): Promise<[string, string]> => {
        const path = join(entry.parentPath, entry.name);
        return [relative(directory, path).replaceAll(sep, "/"), (await readTextIfPresent(path)) ?? ""];
      }),
    ),
  );
}
