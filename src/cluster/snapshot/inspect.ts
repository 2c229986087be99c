import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Context } from "../../base/context.js";
import { messageOf, SlipwayError, systemCode } from "../../base/errors.js";
import { run } from "../../base/run.js";
import { refOf } from "../../components/catalog.js";
import { ensureComponents } from "../../components/ensure.js";
import { type EtcdStatus, etcdStatusSchema, type SnapshotDescription } from "./description.js";

/** What a snapshot's file is, once it has been found whole. */
export interface InspectedFile {
  sizeBytes: number;
  sha256: string;
  etcd: EtcdStatus;
}

/** etcd ends a snapshot with the SHA-256 of all before it (client/v3/snapshot, "integrity"); pages are 512 bytes at least. */
const trailerBytes = 32;
const pageBytes = 512;

/**
 * Reads a snapshot as a whole: etcd's own hash at its end, and its pages, by `etcdutl snapshot status`. Writes nothing.
 *
 * @param expected what its description says
 * @throws {SlipwayError} `SNAPSHOT_INVALID` when it is cut short, changed, or no snapshot.
 */
export async function inspectFile(
  path: string,
  etcdutl: string,
  context: Context,
  expected?: Pick<SnapshotDescription, "sizeBytes" | "sha256" | "etcd">,
): Promise<InspectedFile> {
  const { sizeBytes, sha256, sealed } = await readHashes(path, context.signal);
  if (expected && sizeBytes !== expected.sizeBytes) {
    throw damaged(path, `it has ${sizeBytes} bytes, and was saved with ${expected.sizeBytes}`);
  }
  if (expected && sha256 !== expected.sha256) {
    throw damaged(path, "its SHA-256 is not the one that it was saved with", {
      found: sha256,
      saved: expected.sha256,
    });
  }
  if (!sealed) throw damaged(path, "the hash that etcd wrote at its end is not that of its contents");
  const etcd = await readStatus(path, etcdutl, context);
  if (expected && (etcd.hash !== expected.etcd.hash || etcd.revision !== expected.etcd.revision)) {
    throw damaged(path, "etcdutl finds other contents than it was saved with");
  }
  return { sizeBytes, sha256, etcd };
}

/** The etcdutl of a Kubernetes version, to run on the host. */
export async function ensureEtcdutl(kubernetesVersion: string, context: Context): Promise<string> {
  const stored = await ensureComponents([refOf("etcdutl", kubernetesVersion)], {}, context);
  return stored.get("etcdutl")!.path;
}

async function readHashes(
  path: string,
  signal: AbortSignal,
): Promise<{ sizeBytes: number; sha256: string; sealed: boolean }> {
  const handle = await open(path, "r").catch((cause: unknown) => {
    throw new SlipwayError("SNAPSHOT_NOT_FOUND", `${path} cannot be read (${systemCode(cause)})`, { cause });
  });
  try {
    const { size } = await handle.stat();
    if (size % pageBytes !== trailerBytes || size <= pageBytes) {
      throw damaged(path, `${size} bytes cannot be a whole snapshot`);
    }
    const hash = createHash("sha256");
    const body = createReadStream(path, { end: size - trailerBytes - 1, highWaterMark: 1 << 20 });
    await pipeline(body, hash, { signal, end: false });
    const trailer = Buffer.alloc(trailerBytes);
    await handle.read(trailer, 0, trailerBytes, size - trailerBytes);
    const sealed = hash.copy().digest().equals(trailer);
    return { sizeBytes: size, sha256: hash.update(trailer).digest("hex"), sealed };
  } finally {
    await handle.close();
  }
}

async function readStatus(path: string, etcdutl: string, { signal }: Context): Promise<EtcdStatus> {
  const args = ["snapshot", "status", "--write-out", "json", path];
  const { stdout, stderr, exitCode } = await run(etcdutl, args, { signal, allowFailure: true });
  if (exitCode !== 0) throw damaged(path, "etcdutl cannot read it", { etcdutl: lastLine(stderr || stdout) });
  try {
    return etcdStatusSchema.parse(JSON.parse(stdout));
  } catch (error) {
    throw damaged(path, "etcdutl does not say what is in it", { etcdutl: messageOf(error) });
  }
}

const damaged = (path: string, why: string, details: Record<string, string> = {}): SlipwayError =>
  new SlipwayError("SNAPSHOT_INVALID", `${path} is not a whole snapshot: ${why}`, {
    hint: "nothing was touched; choose another one: slipway snapshot list",
    details,
  });

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";
