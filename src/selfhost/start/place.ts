import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  exists,
  makeDirectory,
  readTextIfPresent,
  syncDirectory,
  writeFileAtomic,
} from "../../base/files.js";
import { pki, places } from "../../plan/places.js";
import { bootstrapParts, bootstrapSecretsPath } from "../../plan/selfhosted/bootstrap.js";
import type { ControlPlaneHost } from "../control-plane-host.js";
import type { StartAssets } from "./assets.js";
import { placedManifest } from "./placed-manifest.js";

/**
 * Puts the bootstrap control plane on this machine: the authority, then what its pods read, then the pods. What is there as it
 * should be is not touched. @returns how many manifests were written
 */
export async function placeBootstrap(assets: StartAssets, host: ControlPlaneHost): Promise<number> {
  await placeAuthority(assets);
  await placeSecrets(assets.secrets);
  let written = 0;
  for (const [i, { file, component }] of bootstrapParts.entries()) {
    const manifest = placedManifest(assets.bootstrapPods[i]!.pod, component, assets.secrets);
    const path = join(host.manifests, file);
    if ((await readTextIfPresent(path)) === manifest) continue;
    await writeFileAtomic(path, manifest, { mode: 0o600 });
    written++;
  }
  return written;
}

/** The controller manager signs with it, from the node's disk; the key is in no Secret. */
async function placeAuthority({ caCertificate, caKey }: StartAssets): Promise<void> {
  await makeDirectory(places.pki);
  for (const [path, contents, mode] of [
    [pki("ca.key"), caKey, 0o600],
    [pki("ca.crt"), caCertificate, 0o644],
  ] as const) {
    if (contents !== undefined && !(await exists(path))) await writeFileAtomic(path, contents, { mode });
  }
}

/** The directory is replaced as a whole: pods read the files of one time. */
async function placeSecrets(secrets: ReadonlyMap<string, string>): Promise<void> {
  const [next, last] = [`${bootstrapSecretsPath}.new`, `${bootstrapSecretsPath}.old`];
  for (const remains of [next, last]) await rm(remains, { recursive: true, force: true });
  if (await holds(bootstrapSecretsPath, secrets)) return;
  for (const [path, contents] of secrets) {
    await makeDirectory(dirname(join(next, path)), { mode: 0o700 });
    await writeFileAtomic(join(next, path), contents, { mode: 0o600 });
  }
  if (await exists(bootstrapSecretsPath)) await rename(bootstrapSecretsPath, last);
  await rename(next, bootstrapSecretsPath);
  await syncDirectory(places.kubernetes);
  await rm(last, { recursive: true, force: true });
}

async function holds(directory: string, files: ReadonlyMap<string, string>): Promise<boolean> {
  for (const [path, contents] of files) {
    if ((await readTextIfPresent(join(directory, path))) !== contents) return false;
  }
  return true;
}
