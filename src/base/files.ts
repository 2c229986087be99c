import { randomBytes } from "node:crypto";
import { chown, lstat, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { SlipwayError, systemCode } from "./errors.js";

/** Whom a file belongs to. */
export interface Owner {
  uid: number;
  gid: number;
}

export interface WriteOptions {
  /** @default 0o644 */
  mode?: number;
  uid?: number;
  gid?: number;
}

/**
 * Replaces a file's contents as a whole: temporary file beside it, fsync, rename, fsync of the directory. Whatever
 * happens, a reader finds the old contents or the new ones.
 *
 * @throws {SlipwayError} `DISK_FULL` or `STATE_WRITE_FAILED`; the old file is unchanged and the temporary one removed.
 */
export async function writeFileAtomic(
  path: string,
  contents: string | Uint8Array,
  { mode = 0o644, uid, gid }: WriteOptions = {},
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const handle = await open(temporary, "wx", mode);
    try {
      await handle.chmod(mode);
      if (uid !== undefined && gid !== undefined) await handle.chown(uid, gid);
      await handle.writeFile(contents);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}); // the first error is the one to report
    throw writeError(path, error);
  }
}

/** `writeFileAtomic` for a value as JSON, with a final newline. */
export const writeJsonAtomic = (path: string, value: unknown, options?: WriteOptions): Promise<void> =>
  writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`, options);

/**
 * Reads a JSON file that we wrote; undefined when there is none.
 *
 * @throws {SlipwayError} `STATE_CORRUPT` when it is not JSON: torn, or edited by hand.
 */
export async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await readTextIfPresent(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new SlipwayError("STATE_CORRUPT", `${path} is not readable as JSON: it is torn or was edited`, {
      cause,
    });
  }
}

export async function readTextIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether something stands at that path; a dangling symbolic link counts. */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return false;
    throw error;
  }
}

/** Makes a directory and its parents; mode and owner are those of the ones that it makes. */
export async function makeDirectory(
  path: string,
  { mode = 0o755, owner }: { mode?: number; owner?: Owner | undefined } = {},
): Promise<void> {
  try {
    const made = await makeMissing(path, mode);
    if (owner) for (const directory of made) await chown(directory, owner.uid, owner.gid);
  } catch (error) {
    throw writeError(path, error);
  }
}

/**
 * Node's own `recursive` never comes back where a name cannot be in a directory that is there, as in /proc (ENOENT).
 *
 * @returns the directories that were made
 */
async function makeMissing(path: string, mode: number): Promise<string[]> {
  if (await isDirectory(path)) return [];
  const above = (await isDirectory(dirname(path))) ? [] : await makeMissing(dirname(path), mode);
  try {
    await mkdir(path, { mode });
    return [...above, path];
  } catch (error) {
    // Another was faster.
    if (await isDirectory(path)) return above;
    throw error;
  }
}

const isDirectory = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() ?? false;

/** Makes renames and new names inside a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The error for a write that failed: says which file, why, and what to do. */
export function writeError(path: string, cause: unknown): SlipwayError {
  if (cause instanceof SlipwayError) return cause;
  const code = systemCode(cause);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new SlipwayError("DISK_FULL", `there is no space left to write ${path}`, {
      hint: "free some space and run the same command again; nothing was half-written",
      cause,
    });
  }
  return new SlipwayError("STATE_WRITE_FAILED", `${path} could not be written (${code ?? "unknown"})`, {
    hint:
      code === "EACCES" || code === "EROFS"
        ? "check the directory's owner and that its disk is writable"
        : code === "EEXIST" || code === "ENOTDIR"
          ? "a file stands where a directory has to be: move it away, or name another directory"
          : code === "ENOENT"
            ? "nothing can be made there: name another directory"
            : "see the cause",
    cause,
  });
}
