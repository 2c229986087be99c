import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { writeError } from "../../base/files.js";
import type { FileCapability, LayerEntry } from "./entry.js";
import { type TarMember, tarBytes } from "./tar.js";

/** A blob on disk, by its hash. */
export interface Blob {
  path: string;
  /** Lower-case hex. */
  sha256: string;
  sizeBytes: number;
}

/**
 * Writes arranged entries as an uncompressed tar file. Uncompressed, because containerd would only have to unpack it
 * again on this same machine.
 */
export const writeLayer = (
  entries: readonly LayerEntry[],
  path: string,
  signal: AbortSignal,
): Promise<Blob> => writeTar(entries.map(tarMember), path, signal);

/** Writes a tar file and makes it durable. */
export async function writeTar(
  members: Iterable<TarMember>,
  path: string,
  signal: AbortSignal,
): Promise<Blob> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  const out = createWriteStream(path, { flush: true, mode: 0o644 });
  try {
    await pipeline(Readable.from(tarBytes(members), { objectMode: false }), meter, out, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw writeError(path, error);
  }
  return { path, sha256: hash.digest("hex"), sizeBytes };
}

function tarMember(entry: LayerEntry): TarMember {
  const { path, mode } = entry;
  switch (entry.type) {
    case "directory":
      return { path: `${path}/`, mode, type: "Directory", sizeBytes: 0 };
    case "symlink":
      return { path, mode, type: "SymbolicLink", sizeBytes: 0, linkTarget: entry.target };
    case "file": {
      const { content, sizeBytes, capability } = entry;
      const pax = capability ? { pax: capabilityRecord(capability) } : {};
      return { path, mode, type: "File", sizeBytes, content, ...pax };
    }
  }
}

const capabilityBits: Record<FileCapability, number> = { net_bind_service: 10 };

/**
 * The extended attribute `security.capability` as tar carries it: struct vfs_cap_data of revision 2
 * (linux/capability.h), magic u32le with the effective bit, then permitted and inheritable u32le, low word and high.
 */
function capabilityRecord(capability: FileCapability): Record<string, string> {
  const data = Buffer.alloc(20);
  data.writeUInt32LE(0x02000001, 0);
  data.writeUInt32LE(1 << capabilityBits[capability], 4);
  // Each byte is below 0x80, so text is a faithful carrier.
  return { "SCHILY.xattr.security.capability": data.toString("latin1") };
}
