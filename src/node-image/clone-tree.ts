import { copyFile, mkdir, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../base/context.js";
import { isSlipwayError, SlipwayError } from "../base/errors.js";
import { writeError } from "../base/files.js";
import { run } from "../base/run.js";

/**
 * Makes a copy of an image set for one node: blobs and unpacked files, which nobody writes again, become hard links;
 * directories and databases are copied. Across file systems all is copied, as cheaply as those can.
 * Modes, owners and extended attributes stay.
 *
 * @param from an image set, see `ensureImageSet`
 * @param to missing, or an empty directory, which gets the mode and owner of `from`
 * @throws {SlipwayError} `DISK_FULL`, `STATE_WRITE_FAILED`
 */
export async function cloneTree(from: string, to: string, context: Context): Promise<void> {
  try {
    await mkdir(to, { recursive: true });
    const sameFileSystem = (await stat(from)).dev === (await stat(to)).dev;
    // cp does in one process what costs Node a system call and a turn of its loop for each file.
    const how = sameFileSystem ? ["--archive", "--link"] : ["--archive", "--reflink=auto"];
    await run("cp", [...how, "--no-target-directory", `${from}/.`, to], { signal: context.signal });
    if (sameFileSystem) for (const path of await databases(from)) await separate(join(to, path));
  } catch (error) {
    context.signal.throwIfAborted();
    throw isSlipwayError(error) && /No space left/.test(error.details.output ?? "")
      ? new SlipwayError("DISK_FULL", `there is no space left to write ${to}`, { cause: error })
      : writeError(to, error);
  }
}

/** The files that containerd writes in place: its plugins' databases (bbolt), `<plugin>/*.db`. */
async function databases(root: string): Promise<string[]> {
  const plugins = await readdir(root);
  const files = await Promise.all(
    plugins.map(async (plugin) => (await readdir(join(root, plugin))).map((name) => join(plugin, name))),
  );
  return files.flat().filter((path) => path.endsWith(".db"));
}

/** Gives a name a file of its own instead of the shared one. */
async function separate(path: string): Promise<void> {
  const own = `${path}.own`;
  await copyFile(path, own);
  await rename(own, path);
}
