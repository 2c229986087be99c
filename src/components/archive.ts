import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { posix } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Parser, type ReadEntry } from "tar";
import { messageOf, SlipwayError } from "../base/errors.js";
import { writeError } from "../base/files.js";

export interface ArchiveBounds {
  /** Of all members together, unpacked. */
  maxBytes: number;
  signal: AbortSignal;
}

/** A regular file of an archive. */
export interface ArchiveMember {
  /** Without a leading `./`. */
  path: string;
  sizeBytes: number;
}

/** How much larger than its file a compressed archive may be: Go binaries reach 4, a bomb a thousand. */
const inflationLimit = 100;

/**
 * Reads a tar archive, plain or gzipped, to its end. Any member that would land outside of the directory that it is
 * unpacked in, by its name or through a link, makes the whole archive bad, as does anything but files, directories and links.
 *
 * @param visit called for each regular file, in order; gives back where its bytes go: a path to write, or undefined
 * @throws {SlipwayError} `COMPONENT_CORRUPT`, `DISK_FULL`
 */
export async function readArchive(
  archive: string,
  visit: (member: ArchiveMember) => string | undefined,
  { maxBytes, signal }: ArchiveBounds,
): Promise<void> {
  const parser = new Parser({ strict: true, maxDecompressionRatio: inflationLimit, file: archive });
  const ended = once(parser, "end");
  ended.catch(() => {}); // the loop below reports it
  let failure: unknown;
  let unpacked = 0;
  let writing: Promise<void> = Promise.resolve();
  // After a failure the parser feeds no member any more: who writes one is told to stop.
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const stopped = once(stop.signal, "abort");
  const fail = (error: unknown) => {
    failure ??= error;
    stop.abort();
  };
  parser.on("error", fail);
  parser.on("entry", (entry: ReadEntry) => {
    try {
      if (failure !== undefined) throw failure;
      const member = checkedMember(entry);
      unpacked += member?.sizeBytes ?? 0;
      if (unpacked > maxBytes) throw new Error(`it unpacks to more than ${maxBytes} bytes`);
      const target = member && visit(member);
      if (target === undefined) entry.resume();
      else writing = writeMember(entry, target, either).catch(fail);
    } catch (error) {
      fail(error);
      entry.resume();
    }
  });
  try {
    for await (const chunk of createReadStream(archive, { signal, highWaterMark: 1 << 20 })) {
      if (failure !== undefined) break;
      if (!parser.write(chunk as Buffer)) await Promise.race([once(parser, "drain"), ended, stopped]);
    }
    if (failure === undefined) {
      parser.end();
      await ended;
    }
  } catch (error) {
    fail(error);
  }
  await writing;
  signal.throwIfAborted();
  if (failure === undefined) return;
  if (failure instanceof SlipwayError) throw failure;
  throw new SlipwayError(
    "COMPONENT_CORRUPT",
    `the archive ${posix.basename(archive)} was not accepted: ${messageOf(failure)}`,
    {
      cause: failure,
    },
  );
}

/** The member when it is a regular file; undefined when it is a harmless other thing. @throws when it is not harmless. */
function checkedMember({ path, type, size, linkpath }: ReadEntry): ArchiveMember | undefined {
  checkPath(path, path);
  switch (type) {
    case "File":
    case "OldFile":
    case "ContiguousFile":
      return { path: posix.normalize(path), sizeBytes: size };
    case "Directory":
    case "GNUDumpDir":
      return undefined;
    case "SymbolicLink":
      checkPath(posix.join(posix.dirname(path), linkpath ?? ""), path);
      if (linkpath?.startsWith("/")) throw new Error(`its member ${path} is a link to ${linkpath}`);
      return undefined;
    case "Link":
      checkPath(linkpath ?? "", path);
      return undefined;
    default:
      throw new Error(`its member ${path} is a ${type}`);
  }
}

function checkPath(path: string, member: string): void {
  const outside = posix.isAbsolute(path) || posix.normalize(path).split("/").includes("..");
  if (outside || (path.split("/").includes("..") && path === member) || path.includes("\0")) {
    throw new Error(`its member ${JSON.stringify(member)} leads outside`);
  }
}

async function writeMember(entry: ReadEntry, target: string, signal: AbortSignal): Promise<void> {
  // node-tar's own stream class; its types say it is no node stream.
  const source = Readable.from(entry as unknown as AsyncIterable<Buffer>);
  try {
    await pipeline(source, createWriteStream(target, { mode: 0o600 }), { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw writeError(target, error);
  }
}
