import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { distinguishedName, signCertificate } from "./x509.js";

/** A certificate and its private key. */
export interface CertificatePair {
  certificatePem: string;
  /** PKCS#8. Secret: 0600 wherever it is written. */
  privateKeyPem: string;
}

/** Clocks differ between machines: a certificate holds from a little before it was made. */
export const backdateMs = 5 * 60_000;

/** Makes a certificate authority: ECDSA P-256, signs itself, may sign certificates and revocation lists. */
export function createAuthority(
  commonName: string,
  { now, years }: { now: Date; years: number },
): CertificatePair {
  const { publicKey, privateKey } = generateKeyPair();
  const name = distinguishedName(commonName, []);
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(now.getUTCFullYear() + years);
  const certificatePem = signCertificate(
    {
      issuer: name,
      subject: name,
      notBefore: new Date(now.getTime() - backdateMs),
      notAfter,
      publicKey: publicKeyToDer(publicKey),
      serial: randomSerial(),
      isAuthority: true,
      keyUsages: ["digitalSignature", "keyCertSign", "cRLSign"],
      extendedKeyUsages: [],
      dnsNames: [],
      ips: [],
    },
    privateKey,
  );
  return { certificatePem, privateKeyPem: privateKeyToPem(privateKey) };
}

/** A fraction of a millisecond: not worth a thread. */
export const generateKeyPair = (): { publicKey: KeyObject; privateKey: KeyObject } =>
  generateKeyPairSync("ec", { namedCurve: "P-256" });

/** 128 random bits: no register of serial numbers is needed. */
export const randomSerial = (): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(16));

export const publicKeyToDer = (key: KeyObject): Uint8Array => key.export({ type: "spki", format: "der" });

export const privateKeyToPem = (key: KeyObject): string =>
  key.export({ type: "pkcs8", format: "pem" }) as string;
