import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { posix } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { type Extract, extract, type Header } from "tar-stream";
import { isSlipwayError, messageOf, SlipwayError } from "../../base/errors.js";
import { type ArchiveContents, imageReferences } from "./archive-index.js";

/** What an image archive holds. */
export interface ImageArchive {
  /** In full, as the container runtime knows them: `docker.io/library/nginx:1.29`. */
  references: string[];
}

// An image's documents are small: more is no image, or one that was made to fill the memory.
const documentLimitBytes = 4 * 1024 * 1024;
const allDocumentsLimitBytes = 64 * 1024 * 1024;
const memberLimit = 100_000;
/** How much larger than its file a gzipped archive may be. Root file systems reach 5. */
const inflationLimit = 100;

/**
 * Reads an image archive, `docker save`'s or an OCI image layout in a tar file, plain or gzipped, to its end: its
 * members' names and links, the hashes of its blobs, and that every blob it speaks of is there. Writes nothing.
 *
 * @throws {SlipwayError} `IMAGE_INVALID` with what is wrong.
 */
export async function readImageArchive(path: string): Promise<ImageArchive> {
  try {
    return { references: imageReferences(await scan(path)) };
  } catch (error) {
    if (isSlipwayError(error)) throw error;
    throw new SlipwayError("IMAGE_INVALID", `${path} is not an image archive that can be loaded`, {
      hint: "make it with: docker save NAME:TAG -o image.tar",
      details: { reason: messageOf(error) },
      cause: error,
    });
  }
}

async function scan(path: string): Promise<ArchiveContents> {
  const { size } = await stat(path);
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  const tar = extract();
  const feeding = (await isGzip(path)) ? pipeline(file, createGunzip(), tar) : pipeline(file, tar);
  const [fed, walked] = await Promise.allSettled([feeding, walk(tar, size * inflationLimit)]);
  if (walked.status === "rejected") throw walked.reason;
  if (fed.status === "rejected") throw fed.reason;
  return walked.value;
}

async function isGzip(path: string): Promise<boolean> {
  const handle = await open(path);
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.readUInt32BE() === 0x28b52ffd) throw new Error("it is compressed with zstd: unpack it first");
    return buffer.readUInt16BE() === 0x1f8b;
  } finally {
    await handle.close();
  }
}

async function walk(tar: Extract, limitBytes: number): Promise<ArchiveContents> {
  const contents: ArchiveContents = { names: new Set(), documents: new Map() };
  let totalBytes = 0;
  let keptBytes = 0;
  for await (const entry of tar) {
    const name = safeName(entry.header);
    contents.names.add(name);
    if (contents.names.size > memberLimit) throw new Error(`it has more than ${memberLimit} members`);
    const digest = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
    const hash = createHash("sha256");
    const mayBeDocument = entry.header.size <= documentLimitBytes && (digest || !name.includes("/"));
    const kept: Uint8Array[] = [];
    for await (const chunk of entry as AsyncIterable<Uint8Array>) {
      totalBytes += chunk.length;
      if (totalBytes > limitBytes)
        throw new Error(`it unpacks to more than ${inflationLimit} times its size`);
      if (digest) hash.update(chunk);
      if (mayBeDocument) kept.push(chunk);
    }
    if (digest && entry.header.type === "file" && hash.digest("hex") !== digest) {
      throw new Error(`its blob sha256:${digest} is damaged: the contents have another hash`);
    }
    // Documents are JSON objects or lists; small layers are not kept.
    if (kept[0]?.[0] === 0x7b || kept[0]?.[0] === 0x5b) {
      keptBytes += entry.header.size;
      if (keptBytes > allDocumentsLimitBytes) throw new Error("its JSON documents are too large");
      contents.documents.set(name, Buffer.concat(kept).toString("utf8"));
    }
  }
  return contents;
}

/** A member's name, without `./` and a final slash, once it is known to stay inside, and its link too. */
function safeName({ name, type, linkname }: Header): string {
  const path = posix.normalize(name).replace(/\/$/, "");
  if (!isInside(path)) throw new Error(`its member "${name}" lies outside of the archive`);
  if (type === "symlink" || type === "link") {
    // docker save before version 25 links layers that images share.
    const target = type === "symlink" ? posix.join(posix.dirname(path), linkname) : posix.normalize(linkname);
    if (linkname.startsWith("/") || !isInside(target)) {
      throw new Error(`its member "${name}" links to "${linkname}", outside of the archive`);
    }
  } else if (type !== "file" && type !== "directory") throw new Error(`its member "${name}" is a ${type}`);
  return path;
}

const isInside = (path: string) => !path.startsWith("/") && path !== ".." && !path.startsWith("../");
