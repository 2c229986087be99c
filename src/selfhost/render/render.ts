import { randomInt } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { parse } from "yaml";
import type { Context } from "../../base/context.js";
import { SlipwayError } from "../../base/errors.js";
import { exists, makeDirectory, readJson, writeFileAtomic, writeJsonAtomic } from "../../base/files.js";
import type { AuthorityName } from "../../pki/certificate.js";
import type { KubeObject } from "../../plan/kube-object.js";
import { issueMaterial } from "../../plan/material.js";
import type { BootstrapToken } from "../../plan/selfhosted/join.js";
import { renderAssets } from "./assets.js";
import { digest, type MergedAsset, mergeAssets, type RenderRecord } from "./merge.js";
import type { RenderRequest } from "./request.js";
import { materialFile } from "./tls-files.js";

const recordName = ".slipway-rendered.json";

export interface RenderOptions {
  assetDirectory: string;
  request: RenderRequest;
  networkObjects: readonly KubeObject[];
  /** Authorities and pairs that the user brings, by material name: `ca.crt`, `apiserver-etcd-client.key`. */
  given: ReadonlyMap<string, string>;
  foreign: readonly AuthorityName[];
  tokenTtlMs: number;
  /** Also what somebody edited or removed. */
  overwrite: boolean;
}

/**
 * Writes an asset directory, or renders over one of an earlier time: authorities, keys and token stay, and so does what somebody
 * edited.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` for a directory that is not empty and not of ours; `CERTIFICATE_INVALID`
 */
export async function render(options: RenderOptions, context: Context): Promise<MergedAsset[]> {
  const { assetDirectory, request, networkObjects, given, foreign, tokenTtlMs, overwrite } = options;
  const found = await readTree(assetDirectory);
  const record = await readJson<RenderRecord>(join(assetDirectory, recordName));
  if (found.size > 0 && record === undefined) {
    throw new SlipwayError("CONFIG_INVALID", `${assetDirectory} is not empty, and was not made by render`, {
      hint: "name a directory that is new or empty: --asset-dir DIR",
    });
  }
  const existing = new Map(
    [...found]
      .filter(([path]) => /^tls\/(etcd\/)?[^/]+\.(crt|key|pub)$/.test(path))
      .map(([path, text]) => [materialFile(path), text]),
  );
  const now = context.clock.now();
  const { material } = issueMaterial(
    {
      cluster: request.settings.spec.metadata.name,
      certificates: request.certificates.filter(({ authority }) => !foreign.includes(authority)),
      kubeconfigs: request.kubeconfigs,
      foreign,
    },
    new Map([...existing, ...given]),
    { now },
  );
  const assets = renderAssets({
    request,
    material,
    networkObjects,
    token: tokenOf(found, now) ?? newToken(new Date(now.getTime() + tokenTtlMs)),
  });
  const merged = mergeAssets(assets, found, record ?? {}, { overwrite });
  await makeDirectory(assetDirectory, { mode: 0o700, owner: context.owner });
  const written = merged.filter(({ fate }) => fate === "new" || fate === "updated");
  for (const directory of new Set(written.map(({ path }) => dirname(join(assetDirectory, path))))) {
    await makeDirectory(directory, { mode: 0o700, owner: context.owner });
  }
  const secret = { mode: 0o600, ...context.owner };
  const note = (digestsOf: (asset: MergedAsset) => string[]) =>
    writeJsonAtomic(
      join(assetDirectory, recordName),
      { ...record, ...Object.fromEntries(merged.map((asset) => [asset.path, digestsOf(asset)])) },
      secret,
    );
  // A run that is cut short leaves files of the last time and of this one.
  await note(({ path, rendered }) => [...(record?.[path] ?? []), digest(rendered)]);
  for (const { path, rendered } of written) {
    await writeFileAtomic(join(assetDirectory, path), rendered, secret);
  }
  await note(({ rendered }) => [digest(rendered)]);
  return merged;
}

/** Every file of a directory by relative path. */
async function readTree(directory: string): Promise<Map<string, string>> {
  if (!(await exists(directory))) return new Map();
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== recordName);
  return new Map(
    await Promise.all(
      files.map(async (entry): Promise<[string, string]> => {
        const path = join(entry.parentPath, entry.name);
        return [relative(directory, path), await readFile(path, "utf8")];
      }),
    ),
  );
}

/** The token of an earlier time, while it is good. */
function tokenOf(found: ReadonlyMap<string, string>, now: Date): BootstrapToken | undefined {
  const text = found.get("manifests/kubelet-bootstrap-token.yaml");
  if (text === undefined) return undefined;
  const data = (parse(text) as { stringData?: Record<string, string> } | null)?.stringData;
  const [id, secret, expiration] = [data?.["token-id"], data?.["token-secret"], data?.expiration];
  if (!id || !secret || !expiration || !(Date.parse(expiration) > now.getTime())) return undefined;
  return { id, secret, expiration };
}

const newToken = (expires: Date): BootstrapToken => {
  const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  const random = (length: number) =>
    Array.from({ length }, () => letters[randomInt(letters.length)]).join("");
  return { id: random(6), secret: random(16), expiration: expires.toISOString().replace(/\.\d+Z$/, "Z") };
};
