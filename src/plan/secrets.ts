import { SlipwayError } from "../base/errors.js";
import type { IgnitionConfig, IgnitionResource } from "../ignition/config.js";
import { encodeDataUrl } from "../ignition/data-url.js";

/**
 * A plan names secrets and does not hold them: a file whose contents are decided later has the source
 * `slipway:<name>`, e.g. `slipway:pki/apiserver.key`. Sealing puts the contents in, and what is sealed is an ordinary
 * Ignition config.
 */
export type SecretName =
  | `pki/${string}.crt`
  | `pki/${string}.key`
  | "pki/sa.pub"
  | `kubeconfig/${string}`
  | "encryption-config";

const scheme = "slipway:";

export const secretSource = (name: SecretName): IgnitionResource => ({ source: `${scheme}${name}` });

/**
 * The config with every secret's contents put in.
 *
 * @throws {SlipwayError} `INTERNAL` when the material lacks a name that the config uses.
 */
export function sealNodeConfig(
  config: IgnitionConfig,
  material: ReadonlyMap<string, string>,
): IgnitionConfig {
  const files = config.storage?.files?.map((file) => {
    const source = file.contents?.source;
    if (!source?.startsWith(scheme)) return file;
    const name = source.slice(scheme.length);
    const contents = material.get(name);
    if (contents === undefined) {
      throw new SlipwayError("INTERNAL", `the plan refers to the secret ${name}, which nothing makes`);
    }
    return { ...file, contents: { ...file.contents, source: encodeDataUrl(contents) } };
  });
  return files ? { ...config, storage: { ...config.storage, files } } : config;
}
