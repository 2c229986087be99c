import { readFile, stat } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { messageOf, SlipwayError } from "../../base/errors.js";

/** PEM files: a certificate with the ones that lead to its authority, and its key. */
export interface TlsFiles {
  certificate: string;
  key: string;
}

/**
 * Reads a server's certificate and key.
 *
 * @throws {SlipwayError} `CERTIFICATE_INVALID` when they cannot be read or do not belong together
 */
export async function readTlsFiles({ certificate, key }: TlsFiles): Promise<SecureContextOptions> {
  try {
    const options: SecureContextOptions = {
      cert: await readFile(certificate),
      key: await readFile(key),
      minVersion: "TLSv1.2",
    };
    createSecureContext(options);
    return options;
  } catch (error) {
    throw new SlipwayError(
      "CERTIFICATE_INVALID",
      `the certificate ${certificate} with the key ${key} cannot serve TLS: ${messageOf(error)}`,
      { hint: "both are PEM files, and the key is the certificate's", cause: error },
    );
  }
}

/** Says whether the files are others than the last time. */
export async function tlsFilesStamp({ certificate, key }: TlsFiles): Promise<string> {
  const stamps = [certificate, key].map(async (file) => {
    const { mtimeMs, size, ino } = await stat(file);
    return [mtimeMs, size, ino].join("-");
  });
  return (await Promise.all(stamps)).join(" ");
}
