import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { stringify } from "yaml";
import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { exists, makeDirectory, writeFileAtomic } from "../base/files.js";
import { type CertificatePair, createAuthority } from "../pki/authority.js";
import { issueCertificate } from "../pki/certificate.js";
import { clusterKubeconfig } from "../pki/kubeconfig.js";
import { type Renewal, renewalOf } from "../pki/renewal.js";
import { createServiceAccountKeys } from "../pki/service-account.js";
import { authorities } from "../plan/certificates.js";
import type { ClusterPlan } from "../plan/plan.js";
import { encryptionConfiguration } from "../plan/policy.js";
import { markRenewal } from "./renewal-mark.js";
import { tellOfRenewals } from "./renewal-text.js";

/** Everything secret of a cluster, by the names that plans use (`pki/ca.key`, `kubeconfig/admin`, …). */
export type Material = Map<string, string>;

const authorityYears = 10;
const leafDays = 365;

/**
 * Makes what is missing of a plan's keys, certificates and kubeconfigs, and gives all of it. What exists is kept: the
 * authorities of a cluster never change; a leaf is made anew when its names changed, a third of its life is left, or the
 * clock says that it is not valid. Then a mark stays (renewal-mark.ts) until the nodes have what is new.
 */
export async function ensureMaterial(
  plan: ClusterPlan,
  directory: string,
  context: Context,
  { renewLeaves = false }: { renewLeaves?: boolean } = {},
): Promise<Material> {
  const now = context.clock.now();
  const files = await readTree(directory);
  const fresh: Material = new Map();
  const put = (name: string, contents: string) => {
    files.set(name, contents);
    fresh.set(name, contents);
  };

  refuseLoss(plan, files);
  const authorityPairs = new Map<string, CertificatePair>();
  for (const { name, commonName, file } of authorities) {
    let pair = readPair(files, file);
    if (!pair) {
      pair = createAuthority(commonName, { now, years: authorityYears });
      put(`${file}.key`, pair.privateKeyPem);
      put(`${file}.crt`, pair.certificatePem);
    }
    authorityPairs.set(name, pair);
  }
  if (!files.has("sa.key") || !files.has("sa.pub")) {
    const { privateKeyPem, publicKeyPem } = createServiceAccountKeys();
    put("sa.key", privateKeyPem);
    put("sa.pub", publicKeyPem);
  }
  if (!files.has("encryption.key")) put("encryption.key", randomBytes(32).toString("base64"));

  const renewals: Renewal[] = [];
  let replaced = false;
  for (const request of plan.certificates) {
    const authority = authorityPairs.get(request.authority)!;
    const existing = readPair(files, request.name);
    if (existing && !renewLeaves) {
      const renewal = renewalOf(existing, request, authority, { now, days: leafDays });
      if (!renewal) continue;
      renewals.push(renewal);
    }
    if (existing) replaced = true;
    const pair = issueCertificate(request, authority, { now, days: leafDays });
    put(`${request.name}.key`, pair.privateKeyPem);
    put(`${request.name}.crt`, pair.certificatePem);
  }
  tellOfRenewals(renewals, context);
  if (replaced) await markRenewal(directory, context);
  await writeTree(directory, fresh, context);

  const material: Material = new Map([...files].map(([name, contents]) => [`pki/${name}`, contents]));
  for (const { name, certificate, user, server } of plan.kubeconfigs) {
    const { text } = clusterKubeconfig({
      cluster: plan.spec.metadata.name,
      server,
      caPem: files.get("ca.crt")!,
      user,
      certificatePem: files.get(`${certificate}.crt`)!,
      privateKeyPem: files.get(`${certificate}.key`)!,
      contextName: plan.spec.metadata.name,
    });
    material.set(`kubeconfig/${name}`, text);
  }
  material.set("encryption-config", stringify(encryptionConfiguration(files.get("encryption.key")!)));
  return material;
}

/**
 * What leaves are signed under was written before them: where leaves are and it is not, it was lost, and another in its place
 * would be another cluster.
 */
function refuseLoss(plan: ClusterPlan, files: Material): void {
  if (!plan.certificates.some(({ name }) => files.has(`${name}.crt`))) return;
  const roots = [...authorities.map(({ file }) => `${file}.crt`), "sa.key", "sa.pub", "encryption.key"];
  const lost = roots.filter((name) => !files.has(name));
  if (lost.length === 0) return;
  throw new SlipwayError("CERTIFICATE_INVALID", `this cluster's ${lost.join(", ")} are gone`, {
    hint: "restore them from a copy, or delete the cluster and start again",
  });
}

/** A pair, or nothing; half a pair is an error and not a reason to make another authority. */
function readPair(files: Material, name: string): CertificatePair | undefined {
  const certificatePem = files.get(`${name}.crt`);
  const privateKeyPem = files.get(`${name}.key`);
  // Keys are written before certificates: a key alone was cut short and never used.
  if (certificatePem === undefined) return undefined;
  if (privateKeyPem === undefined) {
    throw new SlipwayError("CERTIFICATE_INVALID", `the key of ${name}.crt is missing`, {
      hint: "restore it from a copy, or delete the cluster and start again",
    });
  }
  return { certificatePem, privateKeyPem };
}

/** All keys and certificates below a directory, by relative path. */
async function readTree(directory: string): Promise<Material> {
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
async function writeTree(directory: string, files: Material, context: Context): Promise<void> {
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
