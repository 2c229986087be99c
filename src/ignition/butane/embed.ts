import { posix } from "node:path";
import { gzipSync } from "node:zlib";
import { SlipwayError } from "../../base/errors.js";
import { encodeDataUrl } from "../data-url.js";

/** Files beside a Butane config, for `local`, `contents_local`, `ssh_authorized_keys_local` and `trees`. */
export interface LocalFiles {
  /** @param path relative to the files directory. @returns undefined when there is none. */
  readLocal?: ((path: string) => Uint8Array | undefined) | undefined;
  /** What is below a directory, recursively and in order of path. @returns undefined when it is no directory. */
  readTree?: ((path: string) => TreeEntry[] | undefined) | undefined;
}

export interface TreeEntry {
  /** Relative to the tree's root. */
  path: string;
  kind: "file" | "directory" | "link" | "other";
  /** Of a file: whether anybody may execute it. */
  executable?: boolean;
  /** Of a link. */
  target?: string;
}

/** What a resource becomes that holds its contents itself. */
export interface Embedded {
  source: string;
  compression?: "" | "gzip";
}

/**
 * Contents as a `data:` URL, in the shortest of three encodings: percent-escaped, base64, or gzip in base64.
 *
 * @param compression what the config says: contents that it calls compressed are not compressed again
 */
export function embed(contents: Uint8Array, compression: string | undefined): Embedded {
  const source = encodeDataUrl(contents);
  if (compression) return { source };
  const packed = `data:;base64,${gzip(contents).toString("base64")}`;
  // Written out even when empty: a config that this one is merged over may have said gzip.
  return packed.length + "gzip".length < source.length
    ? { source: packed, compression: "gzip" }
    : { source, compression: "" };
}

/** RFC 1952 §2.3: no time, and an unknown operating system, so that the bytes are the same everywhere. */
function gzip(contents: Uint8Array): Buffer {
  const packed = gzipSync(contents, { level: 9 });
  packed[9] = 255;
  return packed;
}

/**
 * Reads a file beside the config.
 *
 * @throws {SlipwayError} `NODE_CONFIG_INVALID` when there are no local files here, or not this one.
 */
export function readLocalFile({ readLocal }: LocalFiles, path: string): Uint8Array {
  if (!readLocal) throw noLocalFiles();
  const contents = readLocal(insidePath(path));
  if (!contents)
    throw new SlipwayError("NODE_CONFIG_INVALID", `there is no file ${path} in the files directory`);
  return contents;
}

/** @throws {SlipwayError} `NODE_CONFIG_INVALID` when there are no local files here, or it is no directory. */
export function readLocalTree({ readTree }: LocalFiles, path: string): TreeEntry[] {
  if (!readTree) throw noLocalFiles();
  const entries = readTree(insidePath(path));
  if (!entries) {
    throw new SlipwayError("NODE_CONFIG_INVALID", `there is no directory ${path} in the files directory`);
  }
  return entries;
}

/** The path in its shortest form, relative. @throws {SlipwayError} when it leaves the files directory. */
function insidePath(path: string): string {
  const inside = posix.normalize(`./${path}`);
  if (inside === ".." || inside.startsWith("../")) {
    throw new SlipwayError("NODE_CONFIG_INVALID", `${path} leads out of the files directory`);
  }
  return inside.replace(/(?<=.)\/$/, "");
}

const noLocalFiles = (): SlipwayError =>
  new SlipwayError("NODE_CONFIG_INVALID", "local files need a files directory, and there is none here");
