import { createHash } from "node:crypto";
import { SlipwayError } from "../base/errors.js";
import type { IgnitionConfig, IgnitionResource } from "../ignition/config.js";
import { encodeDataUrl } from "../ignition/data-url.js";
import type { KubeObject } from "./kube-object.js";

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
  | "encryption-config"
  | "encryption-key-id";

const scheme = "slipway:";

export const secretSource = (name: SecretName): IgnitionResource => ({ source: `${scheme}${name}` });

/**
 * The same for a Secret's data and an APIService's `caBundle`, which hold base64: with its colon it cannot be taken for any.
 */
export const secretText = (name: SecretName): string => `${scheme}${name}`;

const hashScheme = `${scheme}sha256:`;

/** In a pod template's annotations: the hash of these secrets' contents, so that pods are made anew when one changes. */
export const secretsHash = (names: readonly SecretName[]): string => `${hashScheme}${names.join(",")}`;

/**
 * The objects with every secret's contents put in, in base64, and hashes of secrets in pod templates.
 *
 * @throws {SlipwayError} `INTERNAL` when the material lacks a name that an object uses.
 */
export function sealObjects(
  objects: readonly KubeObject[],
  material: ReadonlyMap<string, string>,
): KubeObject[] {
  const seal = (value: unknown): unknown =>
    typeof value === "string" && value.startsWith(scheme)
      ? Buffer.from(contentsOf(value.slice(scheme.length), material)).toString("base64")
      : value;
  const sealFields = (fields: object, wanted = Object.keys(fields)) =>
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, wanted.includes(name) ? seal(value) : value]),
    );
  return objects.map((object) => {
    const { kind, data, spec } = object;
    if (kind === "Secret" && data) return { ...object, data: sealFields(data) };
    if (kind === "APIService" && spec) return { ...object, spec: sealFields(spec, ["caBundle"]) };
    const template = (spec as { template?: PodTemplate } | undefined)?.template;
    return template?.metadata?.annotations
      ? { ...object, spec: { ...(spec as object), template: sealTemplate(template, material) } }
      : object;
  });
}

interface PodTemplate {
  metadata?: { annotations?: Record<string, string> };
}

function sealTemplate(template: PodTemplate, material: ReadonlyMap<string, string>): PodTemplate {
  const seal = (value: string): string => {
    if (!value.startsWith(hashScheme)) return value;
    const hash = createHash("sha256");
    for (const name of value.slice(hashScheme.length).split(","))
      hash.update(contentsOf(name, material)).update("\0");
    return hash.digest("hex");
  };
  const annotations = Object.entries(template.metadata?.annotations ?? {}).map(([name, value]) => [
    name,
    seal(value),
  ]);
  return { ...template, metadata: { ...template.metadata, annotations: Object.fromEntries(annotations) } };
}

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
    const contents = contentsOf(source.slice(scheme.length), material);
    return { ...file, contents: { ...file.contents, source: encodeDataUrl(contents) } };
  });
  return files ? { ...config, storage: { ...config.storage, files } } : config;
}

function contentsOf(name: string, material: ReadonlyMap<string, string>): string {
  const contents = material.get(name);
  if (contents !== undefined) return contents;
  throw new SlipwayError("INTERNAL", `the plan refers to the secret ${name}, which nothing makes`);
}
