import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { messageOf, systemCode } from "../../base/errors.js";
import type { IgnitionResource } from "../config.js";
import { decodeDataUrl } from "../data-url.js";
import { failed } from "./root.js";

/** Fetches a resource that is not a `data:` URL: the bytes as they are at the source, still compressed. */
export type ResourceResolver = (
  resource: IgnitionResource & { source: string },
  options: { signal?: AbortSignal },
) => Promise<Uint8Array>;

export interface FetchOptions {
  resolve?: ResourceResolver | undefined;
  signal?: AbortSignal | undefined;
}

/** Nothing that a node's configuration holds is larger; a gzip bomb is. */
const maxContentBytes = 256 * 1024 * 1024;

/**
 * The contents of a resource: fetched, unpacked, and verified (the hash is that of the unpacked contents). No source: empty.
 *
 * @param what names it in errors.
 */
export async function fetchContents(
  resource: IgnitionResource,
  what: string,
  { resolve, signal }: FetchOptions,
): Promise<Uint8Array> {
  const { source } = resource;
  if (!source) return new Uint8Array();
  let bytes: Uint8Array;
  if (source.startsWith("data:")) {
    bytes = decodeDataUrl(source);
  } else if (resolve) {
    bytes = await resolve({ ...resource, source }, signal ? { signal } : {});
  } else {
    const scheme = source.slice(0, source.indexOf(":") + 1);
    throw failed(
      `${what} has a source that cannot be fetched here (${scheme})`,
      undefined,
      "embed it as a data: URL",
    );
  }
  if (resource.compression === "gzip") bytes = unpack(bytes, what);
  if (resource.verification?.hash) verify(bytes, resource.verification.hash, what);
  return bytes;
}

function unpack(bytes: Uint8Array, what: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxContentBytes });
  } catch (error) {
    const why =
      systemCode(error) === "ERR_BUFFER_TOO_LARGE"
        ? `more than ${maxContentBytes >> 20} MiB`
        : messageOf(error);
    throw failed(`${what} cannot be unpacked with gzip: ${why}`, error);
  }
}

function verify(bytes: Uint8Array, hash: string, what: string): void {
  const [, algorithm, expected] = /^(sha256|sha512)-([0-9a-f]+)$/i.exec(hash) ?? [];
  if (algorithm === undefined || expected === undefined)
    throw failed(`${what} has a hash that is not known: ${hash}`);
  const found = createHash(algorithm.toLowerCase()).update(bytes).digest("hex");
  if (found !== expected.toLowerCase()) {
    throw failed(
      `${what} does not have the contents that its hash says: expected ${expected}, found ${found}`,
    );
  }
}
