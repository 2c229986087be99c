import { randomBytes } from "node:crypto";
import { chown, lstat, mkdir, open, readFile, rename, rm } from "node:fs/promises";
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
    const first = await mkdir(path, { recursive: true, mode });
    if (first === undefined || !owner) return;
    for (let made = path; made.length >= first.length; made = dirname(made)) {
      await chown(made, owner.uid, owner.gid);
    }
  } catch (error) {
    throw writeError(path, error);
  }
}

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
        : "see the cause",
    cause,
  });
}
