import type { CertificatePair } from "./authority.js";
import type { CertificateRequest } from "./certificate.js";
import { type CertificateReport, inspectCertificate } from "./inspect.js";

/** Why a leaf certificate has to be made anew. `other`: its names, key or authority are not those of today. */
export type RenewalReason = "expired" | "not yet valid" | "ends soon" | "other";

/** A leaf certificate that is to be made anew, as it is now. */
export interface Renewal {
  reason: RenewalReason;
  report: CertificateReport;
}

/**
 * Whether a leaf has to be made anew: a third of its life (of `days`) is left, it is not valid at this moment, or it is not
 * the one that is asked for. Undefined when it can serve on.
 *
 * @throws {SlipwayError} `CERTIFICATE_INVALID` when the pair is not readable.
 */
export function renewalOf(
  { certificatePem, privateKeyPem }: CertificatePair,
  request: CertificateRequest,
  authority: CertificatePair,
  { now, days }: { now: Date; days: number },
): Renewal | undefined {
  const report = inspectCertificate(certificatePem, now, {
    privateKeyPem,
    authorityPem: authority.certificatePem,
  });
  const because = (reason: RenewalReason): Renewal => ({ reason, report });
  if (!report.signedByAuthority || !report.keyMatches) return because("other");
  if (!sameSet(report.dnsNames, request.dnsNames) || !sameSet(report.ips, request.ips))
    return because("other");
  if (report.expired) return because("expired");
  if (report.notYetValid) return because("not yet valid");
  if (report.daysLeft > days / 3) return undefined;
  // One that ends with its authority cannot be made to last longer.
  const { notAfter } = inspectCertificate(authority.certificatePem, now);
  return report.notAfter < notAfter ? because("ends soon") : undefined;
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((value) => b.includes(value));
