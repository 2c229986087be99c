import { randomBytes } from "node:crypto";
import { stringify } from "yaml";
import { SlipwayError } from "../base/errors.js";
import { type CertificatePair, createAuthority } from "../pki/authority.js";
import { type AuthorityName, type CertificateRequest, issueCertificate } from "../pki/certificate.js";
import { clusterKubeconfig } from "../pki/kubeconfig.js";
import { type Renewal, renewalOf } from "../pki/renewal.js";
import { createServiceAccountKeys } from "../pki/service-account.js";
import { authorities } from "./certificates.js";
import type { KubeconfigRequest } from "./kubeconfig-request.js";
import { encryptionConfiguration, encryptionKeyId } from "./policy.js";

/** Everything secret of a cluster, by the names that plans use (`pki/ca.key`, `kubeconfig/admin`, …). */
export type Material = Map<string, string>;

const authorityYears = 10;
const leafDays = 365;

/** What to issue, for a cluster of this name. */
export interface MaterialRequest {
  cluster: string;
  certificates: readonly CertificateRequest[];
  kubeconfigs: readonly KubeconfigRequest[];
  /** Authorities that are somebody else's: nothing is issued under them. */
  foreign?: readonly AuthorityName[];
}

export interface IssuedMaterial {
  material: Material;
  /** What was made, by file name: `ca.key`. */
  fresh: Map<string, string>;
  renewals: Renewal[];
  /** The leaves that were there and have a successor. */
  replaced: string[];
}

/**
 * Makes what is missing of a cluster's keys, certificates and kubeconfigs. What exists is kept: the authorities of a cluster
 * never change; a leaf is made anew when its names changed, a third of its life is left, or the clock says that it is not valid.
 *
 * @param existing keys and certificates that there are, by file name: `etcd/ca.crt`
 * @throws {SlipwayError} `CERTIFICATE_INVALID` when an authority or half a pair is lost
 */
export function issueMaterial(
  request: MaterialRequest,
  existing: ReadonlyMap<string, string>,
  { now, renewLeaves = false }: { now: Date; renewLeaves?: boolean },
): IssuedMaterial {
  const files = new Map(existing);
  const fresh = new Map<string, string>();
  const put = (name: string, contents: string) => {
    files.set(name, contents);
    fresh.set(name, contents);
  };

  refuseLoss(request, files);
  const authorityPairs = new Map<string, CertificatePair>();
  for (const { name, commonName, file } of authorities) {
    if (request.foreign?.includes(name)) continue;
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
  const replaced: string[] = [];
  for (const wanted of request.certificates) {
    const authority = authorityPairs.get(wanted.authority)!;
    const pair = readPair(files, wanted.name);
    if (pair && !renewLeaves) {
      const renewal = renewalOf(pair, wanted, authority, { now, days: leafDays });
      if (!renewal) continue;
      renewals.push(renewal);
    }
    if (pair) replaced.push(wanted.name);
    const issued = issueCertificate(wanted, authority, { now, days: leafDays });
    put(`${wanted.name}.key`, issued.privateKeyPem);
    put(`${wanted.name}.crt`, issued.certificatePem);
  }

  const material: Material = new Map([...files].map(([name, contents]) => [`pki/${name}`, contents]));
  for (const { name, certificate, user, server } of request.kubeconfigs) {
    const { text } = clusterKubeconfig({
      cluster: request.cluster,
      server,
      caPem: files.get("ca.crt")!,
      user,
      certificatePem: files.get(`${certificate}.crt`)!,
      privateKeyPem: files.get(`${certificate}.key`)!,
      contextName: request.cluster,
    });
    material.set(`kubeconfig/${name}`, text);
  }
  const encryptionKey = files.get("encryption.key")!;
  material.set("encryption-config", stringify(encryptionConfiguration(encryptionKey)));
  material.set("encryption-key-id", `${encryptionKeyId(encryptionKey)}\n`);
  return { material, fresh, renewals, replaced };
}

/**
 * What leaves are signed under was written before them: where leaves are and it is not, it was lost, and another in its place
 * would be another cluster.
 */
function refuseLoss(
  { certificates, foreign = [] }: MaterialRequest,
  files: ReadonlyMap<string, string>,
): void {
  if (!certificates.some(({ name }) => files.has(`${name}.crt`))) return;
  const own = authorities.filter(({ name }) => !foreign.includes(name));
  const roots = [...own.map(({ file }) => `${file}.crt`), "sa.key", "sa.pub", "encryption.key"];
  const lost = roots.filter((name) => !files.has(name));
  if (lost.length === 0) return;
  throw new SlipwayError("CERTIFICATE_INVALID", `this cluster's ${lost.join(", ")} are gone`, {
    hint: "restore them from a copy, or delete the cluster and start again",
  });
}

/** A pair, or nothing; half a pair is an error and not a reason to make another authority. */
function readPair(files: ReadonlyMap<string, string>, name: string): CertificatePair | undefined {
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
