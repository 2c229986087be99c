import { createHash } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../base/context.js";
import type { StoredComponent } from "../components/component.js";
import { makeOnce } from "../components/oci/make-once.js";
import { importImages } from "./import-images.js";
import { layerContents } from "./layer.js";

/** Raised when importing changes in a way that its inputs do not show. */
const revision = 2;

/**
 * A containerd root directory (the contents of /var/lib/containerd) with images imported and unpacked for overlayfs:
 * what costs each new node seconds of CPU is done once. containerd of the node itself does it, in a container of the
 * node image. Give a node its own by `cloneTree`.
 *
 * @param images image archives, with their references
 * @param node the root of the node image, and the layer that has containerd
 * @throws {SlipwayError} `PROGRAM_FAILED` with containerd's last words
 */
export async function ensureImageSet(
  images: StoredComponent[],
  node: { nodeImage: string; layer: string },
  context: Context,
): Promise<{ path: string }> {
  const containerd = (await layerContents(node.layer))["/usr/local/bin/containerd"];
  const wanted = images.map(({ image, sha256 }) => ({ image, sha256 })).sort(byHash);
  const id = createHash("sha256")
    .update(JSON.stringify([revision, containerd, wanted]))
    .digest("hex");
  const directory = join(context.paths.cache, "image-sets", id.slice(0, 16));
  await makeOnce(directory, "the set of unpacked images", context, async (partial) => {
    const root = join(partial, "containerd");
    await mkdir(root, { mode: 0o711 });
    const scratch = join(partial, "import");
    await importImages(images, node, { id: `import-${id}`, root, scratch }, context);
    await rm(scratch, { recursive: true });
    await removeOwnTraces(root);
    return { images: wanted };
  });
  return { path: join(directory, "containerd") };
}

const byHash = (a: { sha256: string }, b: { sha256: string }) => (a.sha256 < b.sha256 ? -1 : 1);

/** What is containerd's own and no two nodes may share: its identity, its running tasks, its temporary mounts. */
async function removeOwnTraces(root: string): Promise<void> {
  const own = [
    "io.containerd.grpc.v1.introspection",
    "io.containerd.runtime.v2.task",
    "io.containerd.sandbox.controller.v1.shim",
    "tmpmounts",
  ];
  for (const name of own) await rm(join(root, name), { recursive: true, force: true });
}
