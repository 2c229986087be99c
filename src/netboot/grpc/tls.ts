import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { experimental, type ServerCredentials } from "@grpc/grpc-js";
import { messageOf, SlipwayError } from "../../base/errors.js";
import { readTlsFiles, type TlsFiles, watchFiles } from "../http/tls.js";

/** PEM files for mutual TLS. */
export interface MutualTlsFiles extends TlsFiles {
  /** The authorities that clients' certificates are of. */
  ca: string;
}

interface Loaded {
  certificate: Buffer;
  privateKey: Buffer;
  caCertificate: Buffer;
}

/** Gives grpc-js the certificates, and the new ones when the files change and are good. */
export class MutualTls implements experimental.CertificateProvider, Disposable {
  readonly credentials: ServerCredentials;
  readonly #watch: NodeJS.Timeout;
  readonly #caListeners = new Set<experimental.CaCertificateUpdateListener>();
  readonly #identityListeners = new Set<experimental.IdentityCertificateUpdateListener>();
  #loaded: Loaded;

  private constructor(
    files: MutualTlsFiles,
    loaded: Loaded,
    onProblem?: (error: unknown) => void,
    everyMs?: number,
  ) {
    this.#loaded = loaded;
    this.credentials = experimental.createCertificateProviderServerCredentials(this, this, true);
    const take = async () => {
      this.#loaded = await load(files);
      for (const listener of this.#caListeners) listener(this.#loaded);
      for (const listener of this.#identityListeners) listener(this.#loaded);
    };
    this.#watch = watchFiles([files.certificate, files.key, files.ca], take, onProblem, everyMs);
  }

  /** @throws {SlipwayError} `CERTIFICATE_INVALID` */
  static async load(
    files: MutualTlsFiles,
    { onProblem, everyMs }: { onProblem?: (error: unknown) => void; everyMs?: number } = {},
  ): Promise<MutualTls> {
    return new MutualTls(files, await load(files), onProblem, everyMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#watch);
  }

  addCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    this.#caListeners.add(listener);
    process.nextTick(listener, this.#loaded);
  }

  removeCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    this.#caListeners.delete(listener);
  }

  addIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    this.#identityListeners.add(listener);
    process.nextTick(listener, this.#loaded);
  }

  removeIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    this.#identityListeners.delete(listener);
  }
}

async function load(files: MutualTlsFiles): Promise<Loaded> {
  const { cert, key } = await readTlsFiles(files);
  try {
    const caCertificate = await readFile(files.ca);
    if (!caCertificate.includes("-----BEGIN CERTIFICATE-----")) throw new Error("it has no certificate");
    createSecureContext({ ca: caCertificate });
    return { certificate: cert as Buffer, privateKey: key as Buffer, caCertificate };
  } catch (cause) {
    throw new SlipwayError(
      "CERTIFICATE_INVALID",
      `the authority ${files.ca} cannot tell clients by their certificates: ${messageOf(cause)}`,
      {
        hint: "it is a PEM file with the certificate of the authority that clients' certificates are of",
        cause,
      },
    );
  }
}
