import { lstat, readlink, realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { SlipwayError, systemCode } from "../base/errors.js";
import { makeDirectory, type Owner } from "../base/files.js";

/** A kubeconfig file, there or not. */
export interface KubeconfigFile {
  /** As the user names it; kubectl's lock goes by this. */
  path: string;
  /** Where its contents are: symbolic links followed. */
  target: string;
  exists: boolean;
  /** Whom it belongs to, or shall belong to; undefined: ourselves. */
  owner: Owner | undefined;
}

/**
 * The file that a new entry goes to: the first that is there, or else the last (client-go `clientcmd/config.go`
 * GetDefaultFilename).
 */
export function defaultFile(files: readonly KubeconfigFile[]): KubeconfigFile {
  const file = files.find((candidate) => candidate.exists) ?? files.at(-1);
  if (!file) throw new SlipwayError("USAGE", "no kubeconfig file was named");
  return file;
}

/** @param newOwner whom a file that is not there yet shall belong to. */
export async function locate(path: string, newOwner: Owner | undefined): Promise<KubeconfigFile> {
  const target = await followLinks(path);
  try {
    const { uid, gid } = await stat(target);
    const isOwn = uid === process.geteuid?.() && gid === process.getegid?.();
    return { path, target, exists: true, owner: isOwn ? undefined : { uid, gid } };
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw unreadable(path, error);
    return { path, target, exists: false, owner: newOwner };
  }
}

/** Makes the directory that a new file goes into; what it makes belongs to the file's owner. */
export async function makeParent({ target, owner }: KubeconfigFile): Promise<void> {
  await makeDirectory(dirname(target), { owner });
}

export const unreadable = (path: string, cause: unknown): SlipwayError =>
  new SlipwayError("KUBECONFIG_INVALID", `${path} cannot be read (${systemCode(cause) ?? "unknown"})`, {
    hint: "check what it is and whom it belongs to, or name another file in KUBECONFIG",
    cause,
  });

/** As realpath(3), but what the last link points to need not be there. */
async function followLinks(path: string): Promise<string> {
  let current = resolve(path);
  for (let hops = 0; hops < 40; hops++) {
    try {
      return await realpath(current);
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw unreadable(path, error);
    }
    const isLink = await lstat(current).then(
      (entry) => entry.isSymbolicLink(),
      () => false,
    );
    if (!isLink) return current;
    current = resolve(dirname(current), await readlink(current));
  }
  return current;
}
