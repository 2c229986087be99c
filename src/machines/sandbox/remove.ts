import { randomBytes } from "node:crypto";
import { lstat, readdir, readFile, realpath, rename, rmdir } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { SlipwayError, systemCode } from "../../base/errors.js";
import { makeDirectory } from "../../base/files.js";
import { run } from "../../base/run.js";

/**
 * Removes a machine's directory: out of the way under a name of its own first, so that a machine of the same name can be
 * made at once, whatever becomes of this removal. Other machines of the cluster may be removed at the same time.
 */
export async function discardDirectory(directory: string, trash: string): Promise<void> {
  const name = basename(directory);
  while (await isDirectory(directory)) {
    await unmountBelow(directory);
    await makeDirectory(trash, { mode: 0o700 });
    await rename(directory, join(trash, `${name}-${randomBytes(6).toString("hex")}`)).catch(
      (error: unknown) => {
        // Another machine's removal has just taken the empty trash away.
        if (systemCode(error) !== "ENOENT") throw error;
      },
    );
  }
  await emptyTrash(trash, new RegExp(`^${name}-[0-9a-f]{12}$`));
}

/** Removes what is left in a trash directory, and itself once it is empty. Never follows links nor enters other file systems. */
export async function emptyTrash(trash: string, which = /^/): Promise<void> {
  if (!(await isDirectory(trash))) return;
  const entries = await readdir(trash).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  });
  const discarded = entries.filter((entry) => which.test(entry)).map((entry) => join(trash, entry));
  for (const path of discarded) await unmountBelow(path);
  if (discarded.length > 0) await run("rm", ["-rf", "--one-file-system", "--", ...discarded]);
  await removeIfEmpty(trash);
}

/** @throws {SlipwayError} `MACHINE_FAILED` when something cannot be unmounted */
async function unmountBelow(directory: string): Promise<void> {
  const mounted = await mountsBelow(directory);
  for (const path of mounted) await run("umount", [path], { allowFailure: true });
  const left = mounted.length === 0 ? [] : await mountsBelow(directory);
  if (left.length === 0) return;
  throw new SlipwayError("MACHINE_FAILED", `${left[0]} is still mounted, so ${directory} was kept`, {
    hint: `see who uses it (fuser -vm ${left[0]}), then delete again`,
  });
}

/** Mount points at and below a directory, deepest first, of `/proc/self/mountinfo` (proc(5)). */
export function mountPointsBelow(mountinfo: string, directory: string): string[] {
  return mountinfo
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .map((path) =>
      path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter((path) => path === directory || path.startsWith(directory + sep))
    .reverse();
}

const mountsBelow = async (directory: string): Promise<string[]> =>
  mountPointsBelow(await readFile("/proc/self/mountinfo", "utf8"), await realpath(directory));

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** Removes a directory if nothing is in it. */
export async function removeIfEmpty(directory: string): Promise<void> {
  await rmdir(directory).catch((error: unknown) => {
    const code = systemCode(error);
    if (code !== "ENOENT" && code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  });
}
