import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { Context } from "../base/context.js";
import { exists, makeDirectory, writeFileAtomic } from "../base/files.js";
import { authorities } from "../plan/certificates.js";
import { issueMaterial, type Material } from "../plan/material.js";
import type { ClusterPlan } from "../plan/plan.js";
import { type SecretName, secretText } from "../plan/secrets.js";
import { markRenewal } from "./renewal-mark.js";
import { tellOfRenewals } from "./renewal-text.js";

/**
 * The plan's keys, certificates and kubeconfigs, as a profile keeps them; what is missing is made (plan/material.ts). When leaves
 * that nodes have were replaced, a mark stays (renewal-mark.ts) until the nodes have what is new.
 */
export async function ensureMaterial(
  plan: ClusterPlan,
  directory: string,
  context: Context,
  { renewLeaves = false }: { renewLeaves?: boolean } = {},
): Promise<Material> {
  const { spec, certificates, kubeconfigs } = plan;
  const { material, fresh, renewals, replaced } = issueMaterial(
    { cluster: spec.metadata.name, certificates, kubeconfigs },
    await readTree(directory),
    { now: context.clock.now(), renewLeaves },
  );
  tellOfRenewals(renewals, context);
  if (replaced.some((name) => isOnNodes(name, plan))) await markRenewal(directory, context);
  await writeTree(directory, fresh, context);
  return material;
}

/** Others are in Secrets of the cluster, which every start brings up to date. */
function isOnNodes(certificate: string, { nodes, kubeconfigs }: ClusterPlan): boolean {
  const secrets = [
    `pki/${certificate}.crt`,
    ...kubeconfigs
      .filter((request) => request.certificate === certificate)
      .map(({ name }) => `kubeconfig/${name}`),
  ].map((name) => secretText(name as SecretName));
  return nodes.some(({ config }) =>
    config.storage?.files?.some(({ contents }) => secrets.includes(contents?.source ?? "")),
  );
}

/** All keys and certificates below a directory, by relative path. */
async function readTree(directory: string): Promise<Map<string, string>> {
  if (!(await exists(directory))) return new Map();
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /\.(crt|key|pub)$/.test(entry.name));
  return new Map(
    await Promise.all(
      files.map(async (entry): Promise<[string, string]> => {
        const path = join(entry.parentPath, entry.name);
        return [relative(directory, path), await readFile(path, "utf8")];
      }),
    ),
  );
}

/** Keys first, then the authorities, then leaves: none is ever without what it needs. */
async function writeTree(
  directory: string,
  files: ReadonlyMap<string, string>,
  context: Context,
): Promise<void> {
  const isCertificate = (name: string) => name.endsWith(".crt") || name.endsWith(".pub");
  const roots = new Set(["sa.pub", ...authorities.map(({ file }) => `${file}.crt`)]);
  const stage = (name: string) => (roots.has(name) ? 1 : isCertificate(name) ? 2 : 0);
  for (const directoryName of new Set([...files.keys()].map((name) => dirname(join(directory, name))))) {
    await makeDirectory(directoryName, { mode: 0o700, owner: context.owner });
  }
  for (const current of [0, 1, 2]) {
    const batch = [...files].filter(([name]) => stage(name) === current);
    await Promise.all(
      batch.map(([name, contents]) =>
        writeFileAtomic(join(directory, name), contents, {
          mode: isCertificate(name) ? 0o644 : 0o600,
          ...context.owner,
        }),
      ),
    );
  }
}
