import { lstat, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as tar from "tar";
import { SlipwayError } from "../../base/errors.js";

/**
 * Unpacks an archive that is not trusted into an empty directory: files, directories and links. Symbolic links are made
 * last, so that nothing is ever written through one; what leads out of the directory is refused. Set-user-ID bits are
 * dropped, and owners are not kept: we may be root.
 *
 * @throws {SlipwayError} `MACHINE_FAILED` for an archive that is damaged or leads out
 */
export async function unpackUntrusted(archive: NodeJS.ReadableStream, directory: string): Promise<void> {
  const links: { path: string; target: string }[] = [];
  let complaint: string | undefined;
  const unpack = tar.extract({
    cwd: directory,
    preserveOwner: false,
    onwarn: (code, message) => {
      complaint ??= `${message} (${code})`;
    },
    filter: (path, entry) => {
      if (!("type" in entry)) return false;
      if (entry.type === "SymbolicLink") links.push({ path, target: entry.linkpath ?? "" });
      if (entry.mode !== undefined) entry.mode &= 0o777;
      return ["File", "OldFile", "ContiguousFile", "Directory", "Link"].includes(entry.type);
    },
  });
  await pipeline(archive, unpack);
  if (complaint !== undefined) throw refused(complaint);
  for (const { path, target } of links) {
    await assertPlainParents(directory, path);
    await symlink(target, join(directory, path));
  }
}

/** Every directory on the way is one, and not a link to one. */
async function assertPlainParents(directory: string, path: string): Promise<void> {
  if (path.split("/").includes("..")) throw refused(path);
  for (let parent = dirname(path); parent !== "." && parent !== "/"; parent = dirname(parent)) {
    const isDirectory = await lstat(join(directory, parent)).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!isDirectory) throw refused(path);
  }
}

const refused = (why: string): SlipwayError =>
  new SlipwayError("MACHINE_FAILED", "the node sent an archive that was not unpacked", {
    details: { output: why },
  });
