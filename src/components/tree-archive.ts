import { posix } from "node:path";
import { list, type ReadEntry } from "tar";
import { isSlipwayError, messageOf, SlipwayError } from "../base/errors.js";
import { run } from "../base/run.js";

/*
 * Archives of a whole root file system: plain tar files with owners, modes and file capabilities. GNU tar writes and unpacks
 * them, for Node can set no extended attribute; what it unpacks is checked first.
 */

const maxTreeBytes = 16 * 1024 ** 3;

// Of the extended attributes only what the tree means itself: a host's labels (SELinux) are the host's.
const attributes = ["--xattrs", "--xattrs-include=security.capability"];

/**
 * Writes a tree's archive: the same tree gives the same bytes.
 *
 * @throws {SlipwayError} `COMPONENT_CORRUPT` for a tree that `checkTreeArchive` would refuse, `DISK_FULL`
 */
export async function packTree(root: string, archive: string, signal: AbortSignal): Promise<void> {
  await tar(
    [
      "--create",
      `--file=${archive}`,
      `--directory=${root}`,
      "--format=posix",
      // Times of access and the process's id are not the tree's.
      "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
      "--sort=name",
      "--numeric-owner",
      ...attributes,
      ".",
    ],
    signal,
  );
  await checkTreeArchive(archive, signal);
}

/**
 * Unpacks a tree's archive into an empty directory, as root. Nothing of it is run.
 *
 * @throws {SlipwayError} `COMPONENT_CORRUPT` before a file is written, `DISK_FULL`
 */
export async function unpackTree(archive: string, target: string, signal: AbortSignal): Promise<void> {
  await checkTreeArchive(archive, signal);
  const faithfully = ["--numeric-owner", "--same-owner", "--same-permissions", ...attributes];
  await tar(["--extract", `--file=${archive}`, `--directory=${target}`, ...faithfully], signal);
}

/**
 * Reads an archive to its end. A tree has files, directories and links, each once and after the directory that it is in:
 * so nothing lies behind a link. Absolute links are the tree's own; none may climb above it.
 *
 * @throws {SlipwayError} `COMPONENT_CORRUPT`
 */
export async function checkTreeArchive(archive: string, signal: AbortSignal): Promise<void> {
  const seen = new Map<string, ReadEntry["type"]>();
  let failure: unknown;
  let unpackedBytes = 0;
  const check = (entry: ReadEntry) => {
    if (failure !== undefined) return;
    try {
      signal.throwIfAborted();
      unpackedBytes += entry.size;
      if (unpackedBytes > maxTreeBytes) throw new Error(`it unpacks to more than ${maxTreeBytes} bytes`);
      checkMember(entry, seen);
    } catch (error) {
      failure = error;
    }
  };
  // An error thrown by a listener would not reach us.
  await list({ file: archive, strict: true, onReadEntry: check }).catch((error: unknown) => {
    failure ??= error;
  });
  signal.throwIfAborted();
  if (failure === undefined && !seen.has(".")) failure = new Error("it holds no tree");
  if (failure === undefined) return;
  throw new SlipwayError("COMPONENT_CORRUPT", `the tree was not accepted: ${messageOf(failure)}`, {
    details: { file: archive },
    cause: failure,
  });
}

const memberTypes = new Set<ReadEntry["type"]>(["File", "Directory", "SymbolicLink", "Link"]);

/** @throws when the member does not belong into a tree. */
function checkMember({ path, type, linkpath = "" }: ReadEntry, seen: Map<string, ReadEntry["type"]>): void {
  const named = `its member ${JSON.stringify(path)}`;
  if (!memberTypes.has(type)) throw new Error(`${named} is a ${type}`);
  const place = placeOf(path);
  if (place === undefined) throw new Error(`${named} has no plain name inside of the tree`);
  if (seen.has(place)) throw new Error(`${named} is there twice`);
  if (place === "." ? type !== "Directory" : seen.get(posix.dirname(place)) !== "Directory") {
    throw new Error(`${named} is in no directory of the tree`);
  }
  const linked = type === "Link" ? placeOf(linkpath) : undefined;
  if (type === "Link" && (linked === undefined || seen.get(linked) !== "File")) {
    throw new Error(`${named} is a second name for ${linkpath}, which is no file of the tree`);
  }
  if (type === "SymbolicLink" && climbs(posix.join(posix.dirname(place), linkpath)) && linkpath[0] !== "/") {
    throw new Error(`${named} is a link to ${linkpath}, outside of the tree`);
  }
  seen.set(place, type);
}

/** `./usr/bin/` → `usr/bin`, `./` → `.`; undefined when it is absolute, climbs, or is not plain. */
function placeOf(path: string): string | undefined {
  const place = path.replace(/^\.\//, "").replace(/\/$/, "");
  if (place === "" && path !== "/") return ".";
  return place.split("/").some((name) => ["", ".", ".."].includes(name)) || path.includes("\0")
    ? undefined
    : place;
}

const climbs = (path: string) => path.split("/")[0] === "..";

async function tar(args: string[], signal: AbortSignal): Promise<void> {
  try {
    await run("tar", args, { signal, env: { LC_ALL: "C", TAR_OPTIONS: undefined } });
  } catch (error) {
    if (isSlipwayError(error, "PROGRAM_FAILED") && /No space left/.test(error.details.output ?? "")) {
      throw new SlipwayError("DISK_FULL", "the disk is full", { details: error.details, cause: error });
    }
    throw error;
  }
}
