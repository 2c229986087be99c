import { createHash, type KeyObject, sign } from "node:crypto";
import * as der from "./der.js";
import { type DerElement, readElements } from "./der-reader.js";

/** X.509 v3 certificates (RFC 5280) with ECDSA P-256 and SHA-256 (RFC 5758 §3.2). */

const ecdsaWithSha256 = der.sequence(der.oid("1.2.840.10045.4.3.2"));

const extensionOids = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
} as const;

/** RFC 5280 §4.2.1.3: the bit of each usage. */
export const keyUsageBits = { digitalSignature: 0, keyCertSign: 5, cRLSign: 6 } as const;
export type KeyUsage = keyof typeof keyUsageBits;

/** RFC 5280 §4.2.1.12 */
export const extendedKeyUsageOids = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" } as const;
export type ExtendedKeyUsage = keyof typeof extendedKeyUsageOids;

/** What a certificate says, before it is signed. */
export interface CertificateFields {
  /** The two names as DER. */
  issuer: Uint8Array;
  subject: Uint8Array;
  notBefore: Date;
  notAfter: Date;
  /** SubjectPublicKeyInfo. */
  publicKey: Uint8Array;
  /** Random, at most 20 bytes (RFC 5280 §4.1.2.2). */
  serial: Uint8Array;
  isAuthority: boolean;
  keyUsages: KeyUsage[];
  extendedKeyUsages: ExtendedKeyUsage[];
  dnsNames: string[];
  /** 4 or 16 bytes each. */
  ips: Uint8Array[];
  /** Undefined when it signs itself. */
  authorityKeyIdentifier?: Uint8Array;
}

/** A distinguished name: one attribute a relative name, organisations first, as Go orders them. */
export function distinguishedName(commonName: string, organizations: string[]): Uint8Array {
  const attribute = (type: string, value: string) =>
    der.setOfOne(der.sequence(der.oid(type), der.utf8String(value)));
  return der.sequence(
    ...organizations.map((name) => attribute("2.5.4.10", name)),
    attribute("2.5.4.3", commonName),
  );
}

/** Signs a certificate with its issuer's key and gives it as PEM. */
export function signCertificate(fields: CertificateFields, issuerKey: KeyObject): string {
  const toBeSigned = tbsCertificate(fields);
  const signature = sign("sha256", toBeSigned, issuerKey);
  return toPem(der.sequence(toBeSigned, ecdsaWithSha256, der.bitString(signature)));
}

/** RFC 5280 §4.1: TBSCertificate. */
function tbsCertificate(fields: CertificateFields): Uint8Array {
  return der.sequence(
    der.contextConstructed(0, der.integer(Uint8Array.of(2))), // version 3
    der.integer(fields.serial),
    ecdsaWithSha256,
    fields.issuer,
    der.sequence(der.time(fields.notBefore), der.time(fields.notAfter)),
    fields.subject,
    fields.publicKey,
    der.contextConstructed(3, der.sequence(...extensions(fields))),
  );
}

function extensions(fields: CertificateFields): Uint8Array[] {
  const extension = (name: keyof typeof extensionOids, critical: boolean, value: Uint8Array) =>
    der.sequence(
      der.oid(extensionOids[name]),
      ...(critical ? [der.trueValue()] : []),
      der.octetString(value),
    );
  const list = [
    extension("keyUsage", true, der.namedBits(fields.keyUsages.map((usage) => keyUsageBits[usage]))),
    extension("basicConstraints", true, der.sequence(...(fields.isAuthority ? [der.trueValue()] : []))),
    extension("subjectKeyIdentifier", false, der.octetString(keyIdentifier(fields.publicKey))),
  ];
  if (fields.extendedKeyUsages.length > 0) {
    const oids = fields.extendedKeyUsages.map((usage) => der.oid(extendedKeyUsageOids[usage]));
    list.push(extension("extendedKeyUsage", false, der.sequence(...oids)));
  }
  if (fields.authorityKeyIdentifier) {
    const value = der.sequence(der.contextPrimitive(0, fields.authorityKeyIdentifier));
    list.push(extension("authorityKeyIdentifier", false, value));
  }
  if (fields.dnsNames.length + fields.ips.length > 0) {
    const names = [
      ...fields.dnsNames.map((name) => der.contextPrimitive(2, Buffer.from(name, "latin1"))), // dNSName, IA5String
      ...fields.ips.map((ip) => der.contextPrimitive(7, ip)), // iPAddress
    ];
    list.push(extension("subjectAltName", false, der.sequence(...names)));
  }
  return list;
}

/** RFC 5280 §4.2.1.2, method 1: SHA-1 over the public key's bits (a name for the key; nothing rests on its strength). */
function keyIdentifier(publicKey: Uint8Array): Uint8Array {
  const [spki] = readElements(publicKey);
  const [, key] = readElements(spki!.contents);
  return createHash("sha1").update(key!.contents.subarray(1)).digest();
}

const toPem = (certificate: Uint8Array): string => {
  const lines = Buffer.from(certificate)
    .toString("base64")
    .match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
};

/** The parts of a certificate that Node's `X509Certificate` does not give, or gives only as prose. */
export interface CertificateParts {
  /** As DER: what the issuer of another certificate must repeat byte for byte. */
  subject: Uint8Array;
  subjectKeyIdentifier?: Uint8Array;
  keyUsages: KeyUsage[];
  dnsNames: string[];
  /** 4 or 16 bytes each. */
  ips: Uint8Array[];
}

/** Reads those parts of a certificate that OpenSSL has parsed before (`X509Certificate.raw`). */
export function readCertificate(raw: Uint8Array): CertificateParts {
  const [certificate] = readElements(raw);
  const [toBeSigned] = readElements(certificate!.contents);
  const fields = readElements(toBeSigned!.contents);
  if (fields[0]?.tag === 0xa0) fields.shift(); // version; absent in v1
  const values = readExtensions(fields.find(({ tag }) => tag === 0xa3));
  const keyIdentifierValue = values.get(extensionOids.subjectKeyIdentifier)?.contents;
  const usageBits = values.get(extensionOids.keyUsage)?.contents.subarray(1) ?? new Uint8Array();
  const names = readElements(values.get(extensionOids.subjectAltName)?.contents ?? new Uint8Array());
  return {
    subject: fields[4]!.bytes,
    ...(keyIdentifierValue ? { subjectKeyIdentifier: keyIdentifierValue } : {}),
    keyUsages: (Object.keys(keyUsageBits) as KeyUsage[]).filter(
      (usage) => ((usageBits[0] ?? 0) & (0x80 >> keyUsageBits[usage])) !== 0,
    ),
    dnsNames: names
      .filter(({ tag }) => tag === 0x82)
      .map(({ contents }) => Buffer.from(contents).toString("latin1")),
    ips: names.filter(({ tag }) => tag === 0x87).map(({ contents }) => contents),
  };
}

/** Extension values by object identifier: SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, value OCTET STRING }. */
function readExtensions(wrapper: DerElement | undefined): Map<string, DerElement> {
  const known = new Map(
    Object.values(extensionOids).map((dotted) => [Buffer.from(der.oid(dotted)).toString("hex"), dotted]),
  );
  const values = new Map<string, DerElement>();
  const [list] = readElements(wrapper?.contents ?? new Uint8Array());
  for (const { contents } of readElements(list?.contents ?? new Uint8Array())) {
    const parts = readElements(contents);
    const dotted = known.get(Buffer.from(parts[0]!.bytes).toString("hex"));
    const [value] = readElements(parts.at(-1)!.contents);
    if (dotted && value) values.set(dotted, value);
  }
  return values;
}
