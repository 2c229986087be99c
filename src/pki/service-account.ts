import { generateKeyPair } from "./authority.js";

/** Signs and checks service-account tokens (ES256). */
export interface ServiceAccountKeys {
  /** SubjectPublicKeyInfo: `--service-account-key-file`. */
  publicKeyPem: string;
  /** SEC 1 (`EC PRIVATE KEY`): `--service-account-signing-key-file`, `--service-account-private-key-file`. */
  privateKeyPem: string;
}

/**
 * Makes the key pair for service-account tokens: ECDSA P-256. The private key is SEC 1 because client-go reads that form
 * both as a private key and where it looks for a public one (client-go/util/keyutil `ParsePublicKeysPEM` has no PKCS#8).
 */
export function createServiceAccountKeys(): ServiceAccountKeys {
  const { publicKey, privateKey } = generateKeyPair();
  return {
    publicKeyPem: publicKey.export({ type: "spki", format: "pem" }) as string,
    privateKeyPem: privateKey.export({ type: "sec1", format: "pem" }) as string,
  };
}
