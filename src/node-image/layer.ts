import { createHash } from "node:crypto";
import { chmod, constants, copyFile, link, mkdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Context } from "../base/context.js";
import { SlipwayError, systemCode } from "../base/errors.js";
import type { StoredComponent } from "../components/component.js";
import { makeOnce, readMarker } from "../components/oci/make-once.js";

/**
 * A read-only tree of components' binaries at the places where a node has them, to lie over the node image as an
 * overlay's layer. Made once for a set of binaries; costs no space, for the files are the store's own (hard links).
 *
 * @param components binaries only
 * @returns the tree's root directory
 */
export async function ensureNodeLayer(components: StoredComponent[], context: Context): Promise<string> {
  const files = components.map((component) => ({ component, path: nodePath(component) }));
  const contents = Object.fromEntries(files.map(({ component, path }) => [path, component.sha256]).sort());
  const id = createHash("sha256").update(JSON.stringify(contents)).digest("hex").slice(0, 16);
  const directory = join(context.paths.cache, "node-layers", id);
  await makeOnce(directory, "the tree of a node's binaries", context, async (partial) => {
    for (const { component, path } of files) await place(component.path, join(partial, "tree", path));
    return contents;
  });
  return join(directory, "tree");
}

/** What a layer holds: SHA-256 by the path in the node. */
export const layerContents = async (layer: string): Promise<Record<string, string>> =>
  (await readMarker<Record<string, string>>(dirname(layer))) ?? {};

/** `cni-bridge` → /opt/cni/bin/bridge, all else into /usr/local/bin, which comes first in the path. */
export function nodePath({ name, kind }: Pick<StoredComponent, "name" | "kind">): string {
  if (kind !== "binary" || basename(name) !== name) {
    throw new SlipwayError("INTERNAL", `${name} is no binary that a node could have`);
  }
  return name.startsWith("cni-") ? `/opt/cni/bin/${name.slice("cni-".length)}` : `/usr/local/bin/${name}`;
}

async function place(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o755 });
  const { mode, uid } = await stat(from);
  // A link shares mode and owner with the store's file; what is not root's could be changed under a node's feet.
  if ((mode & 0o111) === 0o111 && uid === 0) {
    try {
      return await link(from, to);
    } catch (error) {
      if (!["EXDEV", "EPERM", "EMLINK"].includes(systemCode(error) ?? "")) throw error;
    }
  }
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await chmod(to, 0o755);
}
