import { readFile, stat } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { messageOf, SlipwayError } from "../../base/errors.js";

/** How often it is looked whether TLS files changed. */
const defaultLookMs = 5000;

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

/**
 * Calls `take` each time that files changed, until the timer is cleared. What goes wrong is told, and tried again at the
 * next change.
 */
export function watchFiles(
  files: readonly string[],
  take: () => Promise<void>,
  onProblem: (error: unknown) => void = () => {},
  everyMs = defaultLookMs,
): NodeJS.Timeout {
  let stamp: string | undefined;
  const look = async () => {
    try {
      const before = stamp;
      stamp = await stampOf(files);
      if (before !== undefined && stamp !== before) await take();
    } catch (error) {
      onProblem(error);
    }
  };
  void look();
  return setInterval(() => void look(), everyMs).unref();
}

async function stampOf(files: readonly string[]): Promise<string> {
  const stamps = files.map(async (file) => {
    const { mtimeMs, size, ino } = await stat(file);
    return [mtimeMs, size, ino].join("-");
  });
  return (await Promise.all(stamps)).join(" ");
}
