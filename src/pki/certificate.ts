import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import ipaddr from "ipaddr.js";
import { messageOf, SlipwayError } from "../base/errors.js";
import {
  backdateMs,
  type CertificatePair,
  generateKeyPair,
  privateKeyToPem,
  publicKeyToDer,
  randomSerial,
} from "./authority.js";
import { distinguishedName, type ExtendedKeyUsage, readCertificate, signCertificate } from "./x509.js";

/** The authorities of a cluster; none trusts what another signed. */
export type AuthorityName = "cluster" | "etcd" | "front-proxy";

/** A certificate to issue, as a plan names it. */
export interface CertificateRequest {
  /** What the certificate and its key are called in the cluster's files: `apiserver`, `kubelet-demo-1` … */
  name: string;
  authority: AuthorityName;
  /** To Kubernetes: the user name. */
  commonName: string;
  /** To Kubernetes: the groups. */
  organizations: string[];
  usages: ExtendedKeyUsage[];
  dnsNames: string[];
  /** IPv4 and IPv6 addresses. */
  ips: string[];
}

/**
 * Makes a key and has the authority sign a certificate for it. It is never valid longer than the authority.
 *
 * @throws {SlipwayError} `CERTIFICATE_INVALID` when the authority is unreadable, expired, not an authority or has
 * another's key; `ADDRESS_INVALID` when a name or address cannot stand in a certificate.
 */
export function issueCertificate(
  request: CertificateRequest,
  authority: CertificatePair,
  { now, days }: { now: Date; days: number },
): CertificatePair {
  const issuer = usableAuthority(request.authority, authority, now);
  const { publicKey, privateKey } = generateKeyPair();
  const certificatePem = signCertificate(
    {
      issuer: issuer.subject,
      subject: distinguishedName(request.commonName, request.organizations),
      notBefore: later(new Date(now.getTime() - backdateMs), issuer.notBefore),
      notAfter: earlier(new Date(now.getTime() + days * 86_400_000), issuer.notAfter),
      publicKey: publicKeyToDer(publicKey),
      serial: randomSerial(),
      isAuthority: false,
      // keyEncipherment is RSA's (RFC 8446 has no use for it; RFC 5480 §3 forbids it for ECDSA-only keys)
      keyUsages: ["digitalSignature"],
      extendedKeyUsages: request.usages,
      dnsNames: request.dnsNames.map((name) => checkDnsName(name, request.name)),
      ips: request.ips.map((ip) => addressBytes(ip, request.name)),
      authorityKeyIdentifier: issuer.keyIdentifier,
    },
    issuer.privateKey,
  );
  return { certificatePem, privateKeyPem: privateKeyToPem(privateKey) };
}

interface Authority {
  subject: Uint8Array;
  keyIdentifier: Uint8Array;
  privateKey: KeyObject;
  notBefore: Date;
  notAfter: Date;
}

/** Reading an authority's PEM costs ten times what signing does: once for each is enough. */
const loaded = new WeakMap<CertificatePair, Authority>();

function usableAuthority(name: AuthorityName, pair: CertificatePair, now: Date): Authority {
  const refuse: Refuse = (why, cause) =>
    new SlipwayError("CERTIFICATE_INVALID", `the ${name} authority cannot sign: ${why}`, { cause });
  const authority = loaded.get(pair) ?? loadAuthority(pair, refuse);
  loaded.set(pair, authority);
  if (authority.notAfter <= now) throw refuse(`it expired on ${authority.notAfter.toISOString()}`);
  return authority;
}

type Refuse = (why: string, cause?: unknown) => SlipwayError;

function loadAuthority({ certificatePem, privateKeyPem }: CertificatePair, refuse: Refuse): Authority {
  let certificate: X509Certificate;
  let privateKey: KeyObject;
  try {
    certificate = new X509Certificate(certificatePem);
    privateKey = createPrivateKey(privateKeyPem);
  } catch (cause) {
    throw refuse(`its certificate or key is not readable as PEM (${messageOf(cause)})`, cause);
  }
  const { subject, subjectKeyIdentifier } = readCertificate(certificate.raw);
  if (!certificate.ca) throw refuse("its certificate is not one of an authority");
  if (!certificate.checkPrivateKey(privateKey)) throw refuse("its key is not that of its certificate");
  if (privateKey.asymmetricKeyType !== "ec") throw refuse("its key is not an ECDSA key");
  if (!subjectKeyIdentifier) throw refuse("its certificate has no subject key identifier");
  return {
    subject,
    keyIdentifier: subjectKeyIdentifier,
    privateKey,
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
  };
}

const earlier = (a: Date, b: Date): Date => (a < b ? a : b);
const later = (a: Date, b: Date): Date => (a > b ? a : b);

/** RFC 1123 §2.1 host names, with a wildcard as the first label (RFC 6125 §6.4.3). */
const dnsName = /^(\*\.)?[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*$/i;

function checkDnsName(name: string, certificate: string): string {
  if (name.length <= 253 && dnsName.test(name)) return name;
  throw new SlipwayError("ADDRESS_INVALID", `"${name}" is not a DNS name (certificate ${certificate})`);
}

function addressBytes(ip: string, certificate: string): Uint8Array {
  const strict = ip.includes(":") || ipaddr.IPv4.isValidFourPartDecimal(ip);
  if (strict && ipaddr.isValid(ip) && !ip.includes("%"))
    return Uint8Array.from(ipaddr.parse(ip).toByteArray());
  throw new SlipwayError("ADDRESS_INVALID", `"${ip}" is not an IP address (certificate ${certificate})`);
}
