import { createPrivateKey, X509Certificate } from "node:crypto";
import ipaddr from "ipaddr.js";
import { messageOf, SlipwayError } from "../base/errors.js";
import { type ExtendedKeyUsage, extendedKeyUsageOids, type KeyUsage, readCertificate } from "./x509.js";

/** What a certificate says and whether it holds together. */
export interface CertificateReport {
  /** `CN=system:node:demo-1,O=system:nodes`: RFC 4514's form, as OpenSSL prints it on one line. */
  subject: string;
  issuer: string;
  serial: string;
  dnsNames: string[];
  ips: string[];
  notBefore: Date;
  notAfter: Date;
  /** Whole days until it expires; negative since it did. */
  daysLeft: number;
  expired: boolean;
  /** Its validity lies in the future. */
  notYetValid: boolean;
  isAuthority: boolean;
  keyUsages: KeyUsage[];
  usages: ExtendedKeyUsage[];
  /** Whether the given private key is its key; undefined when none was given. */
  keyMatches?: boolean;
  /** Whether the given authority signed it; undefined when none was given. */
  signedByAuthority?: boolean;
}

/**
 * Reads the first certificate of a PEM text.
 *
 * @throws {SlipwayError} `CERTIFICATE_INVALID` when the certificate, key or authority is not readable.
 */
export function inspectCertificate(
  pem: string,
  now: Date,
  { privateKeyPem, authorityPem }: { privateKeyPem?: string; authorityPem?: string } = {},
): CertificateReport {
  const certificate = parse("certificate", () => new X509Certificate(pem));
  const { keyUsages, dnsNames, ips } = parse("certificate", () => readCertificate(certificate.raw));
  const notBefore = new Date(certificate.validFrom);
  const notAfter = new Date(certificate.validTo);
  const usageOids = certificate.keyUsage ?? []; // Node's name for the extended key usage
  const report: CertificateReport = {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serial: certificate.serialNumber.toLowerCase(),
    dnsNames,
    ips: ips.map((bytes) => ipaddr.fromByteArray([...bytes]).toString()),
    notBefore,
    notAfter,
    daysLeft: Math.floor((notAfter.getTime() - now.getTime()) / 86_400_000),
    expired: notAfter < now,
    notYetValid: notBefore > now,
    isAuthority: certificate.ca,
    keyUsages,
    usages: (Object.keys(extendedKeyUsageOids) as ExtendedKeyUsage[]).filter((usage) =>
      usageOids.includes(extendedKeyUsageOids[usage]),
    ),
  };
  if (privateKeyPem !== undefined) {
    const key = parse("private key", () => createPrivateKey(privateKeyPem));
    report.keyMatches = certificate.checkPrivateKey(key);
  }
  if (authorityPem !== undefined) {
    const authority = parse("authority", () => new X509Certificate(authorityPem));
    report.signedByAuthority = certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  }
  return report;
}

function parse<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new SlipwayError("CERTIFICATE_INVALID", `the ${what} is not readable as PEM: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** Node prints one attribute a line, in the certificate's order; RFC 4514 §2.1 has the last one first. */
const oneLine = (name: string | undefined): string => (name ?? "").split("\n").reverse().join(",");
