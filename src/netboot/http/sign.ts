import { readFile } from "node:fs/promises";
import { createMessage, decryptKey, type PrivateKey, readPrivateKeys, sign as signMessage } from "openpgp";
import { messageOf, SlipwayError } from "../../base/errors.js";

/** Makes detached OpenPGP signatures (RFC 9580), of bytes as they are. */
export class Signer {
  readonly #key: PrivateKey;
  /** By the signed bytes themselves: a document that is sent again is not signed again. */
  readonly #made = {
    armored: new WeakMap<Buffer, Promise<Buffer>>(),
    binary: new WeakMap<Buffer, Promise<Buffer>>(),
  };

  private constructor(key: PrivateKey) {
    this.#key = key;
  }

  /**
   * Takes the first private key of a key ring, as `gpg --export-secret-keys` writes it, armored or not.
   *
   * @throws {SlipwayError} `CERTIFICATE_INVALID`
   */
  static async load(file: string, passphrase?: string): Promise<Signer> {
    const refuse = (why: string, hint: string, cause?: unknown) =>
      new SlipwayError("CERTIFICATE_INVALID", `the key ring ${file} ${why}`, { hint, cause });
    let key: PrivateKey | undefined;
    try {
      const bytes = await readFile(file);
      const isArmored = bytes.subarray(0, 64).toString("latin1").trimStart().startsWith("-----BEGIN PGP");
      [key] = await (isArmored
        ? readPrivateKeys({ armoredKeys: bytes.toString("latin1") })
        : readPrivateKeys({ binaryKeys: bytes }));
    } catch (error) {
      throw refuse(
        `cannot be read: ${messageOf(error)}`,
        "export one: gpg --export-secret-keys KEY > ring.gpg",
        error,
      );
    }
    if (!key) throw refuse("has no private key", "export one: gpg --export-secret-keys KEY > ring.gpg");
    if (key.isDecrypted()) return new Signer(key);
    if (!passphrase)
      throw refuse("has a passphrase, and none was given", "give it, or export a key without one");
    try {
      return new Signer(await decryptKey({ privateKey: key, passphrase }));
    } catch (error) {
      throw refuse("has another passphrase", "give the passphrase of its first key", error);
    }
  }

  /** @param bytes must not be changed afterwards */
  sign(bytes: Buffer, armored: boolean): Promise<Buffer> {
    const made = armored ? this.#made.armored : this.#made.binary;
    const known = made.get(bytes);
    if (known) return known;
    const signature = this.#sign(bytes, armored);
    made.set(bytes, signature);
    return signature;
  }

  async #sign(bytes: Buffer, armored: boolean): Promise<Buffer> {
    const message = await createMessage({ binary: bytes });
    const signingKeys = this.#key;
    return armored
      ? Buffer.from(await signMessage({ message, signingKeys, detached: true, format: "armored" }))
      : Buffer.from(await signMessage({ message, signingKeys, detached: true, format: "binary" }));
  }
}
