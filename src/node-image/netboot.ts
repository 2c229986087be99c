import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { arch } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Context } from "../base/context.js";
import { handOver } from "../base/hand-over.js";
import { run } from "../base/run.js";
import { refOf } from "../components/catalog.js";
import type { StoredComponent } from "../components/component.js";
import { ensureComponents } from "../components/ensure.js";
import { isolated } from "../components/oci/isolated.js";
import { makeOnce } from "../components/oci/make-once.js";
import type { EnsureOptions } from "../components/options.js";
import { startProgress } from "../components/progress.js";
import { hashFile } from "../components/store.js";
import { ensureNodeImage } from "./build.js";
import { cloneTree } from "./clone-tree.js";
import { ensureImageSet } from "./image-set.js";
import { ensureKernel, type Kernel, moduleFiles } from "./kernel.js";
import { ensureNodeLayer, layerContents } from "./layer.js";
import { earlyModules, type KernelFlavour, kernelPackage, netbootRecipe } from "./netboot-recipe.js";
import {
  dhcpEventScript,
  imagesPath,
  initScript,
  libraryPath,
  snapshotsPath,
  systemFiles,
  systemLinks,
} from "./netboot-scripts.js";

/** Raised when the building changes in a way that its inputs do not show. */
const revision = 1;

export interface NetbootRequest {
  /** What a node has in its root, e.g. kubelet and containerd. */
  binaries: StoredComponent[];
  /** Archives; containerd has them from the start. */
  images: StoredComponent[];
  kernel: KernelFlavour;
}

/** What a machine boots over the network. */
export interface NetbootImage {
  /** Path of the kernel image (bzImage; an EFI program too). */
  kernel: string;
  /** Path of the initial RAM file system: a cpio archive that has the root file system in it. */
  initrd: string;
  facts: NetbootFacts;
}

/** What is in it, and how its files can be recognised. */
export interface NetbootFacts {
  id: string;
  /** Of `uname -r`. */
  kernelRelease: string;
  /** Versions by component. */
  components: Record<string, string>;
  /** Versions by Debian package. */
  packages: Record<string, string>;
  /** Lower-case hex. */
  sha256: { kernel: string; initrd: string };
}

/**
 * Kernel and initrd of a node that has no disk: the node image, its components and images as a squashfs in a cpio archive,
 * with a start script that fetches and applies the machine's Ignition config. Made once for the same inputs. The same inputs
 * give the same bytes, but for the times in containerd's databases, which are those of the image set in the cache.
 *
 * @throws {SlipwayError} as `ensureNodeImage` and `ensureComponents`; `PROGRAM_FAILED`
 */
export async function ensureNetbootImage(
  { binaries, images, kernel: flavour }: NetbootRequest,
  options: EnsureOptions,
  context: Context,
): Promise<NetbootImage> {
  const [nodeImage, own, kernel] = await Promise.all([
    ensureNodeImage(context, options, netbootRecipe),
    ensureComponents([refOf("busybox"), refOf("ignition")], options, context),
    ensureKernel(kernelPackage(flavour), context),
  ]);
  const layer = await ensureNodeLayer(binaries, context);
  const imageSet = await ensureImageSet(images, { nodeImage: nodeImage.path, layer }, context);
  const parts: Parts = {
    kernel,
    nodeImage: nodeImage.path,
    layer,
    imageSet: imageSet.path,
    busybox: own.get("busybox")!,
    ignition: own.get("ignition")!,
  };
  const components = [...binaries, ...images, ...own.values()];
  const id = await imageId(parts, components, nodeImage, context);
  const directory = join(context.paths.cache, "netboot-images", id);
  const facts = await makeOnce(
    directory,
    "the netboot image",
    context,
    async (partial): Promise<NetbootFacts> => {
      const sha256 = await build(parts, partial, context);
      await handOver(partial, context.owner);
      return {
        id,
        kernelRelease: kernel.release,
        components: Object.fromEntries(components.map(({ name, version }) => [name, version]).sort()),
        packages: nodeImage.packages,
        sha256,
      };
    },
  );
  return { kernel: join(directory, "kernel"), initrd: join(directory, "initrd"), facts };
}

interface Parts {
  kernel: Kernel;
  nodeImage: string;
  layer: string;
  /** See `ensureImageSet`. */
  imageSet: string;
  busybox: StoredComponent;
  ignition: StoredComponent;
}

async function imageId(
  { kernel, layer }: Parts,
  components: readonly StoredComponent[],
  nodeImage: { id: string; packages: Record<string, string> },
  context: Context,
): Promise<string> {
  const inputs = [
    [revision, arch(), nodeImage.id, nodeImage.packages],
    [kernel.release, await hashFile(kernel.image, context.signal)],
    await layerContents(layer),
    components.map(({ name, sha256 }) => [name, sha256]).sort(),
    [initScript, dhcpEventScript, systemFiles, systemLinks],
  ];
  return createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 16);
}

async function build(parts: Parts, partial: string, context: Context): Promise<NetbootFacts["sha256"]> {
  const progress = startProgress({ subject: "netboot image", phase: "build", unit: "files" }, context);
  const step = (done: number, detail: string) => progress.update(done, 4, detail);
  try {
    step(0, "the root file system");
    const initrdTree = join(partial, "initrd-tree");
    await layEarlyRoot(initrdTree, parts);
    await layAdditions(join(partial, "additions"), parts);
    await packRoot(partial, join(initrdTree, "root.squashfs"), parts, context);
    step(1, "the images");
    await packImages(join(partial, "images"), join(initrdTree, "images.squashfs"), parts, context);
    step(2, "the initial RAM file system");
    await packInitrd(initrdTree, join(partial, "initrd"), context);
    await copyFile(parts.kernel.image, join(partial, "kernel"));
    step(3, "hashes");
    const [kernel, initrd] = await Promise.all(
      ["kernel", "initrd"].map((name) => hashFile(join(partial, name), context.signal)),
    );
    for (const name of ["initrd-tree", "additions", "images"])
      await rm(join(partial, name), { recursive: true });
    progress.end("ok");
    return { kernel: kernel!, initrd: initrd! };
  } catch (error) {
    progress.end("failed");
    throw error;
  }
}

/** What is there before the root file system is: busybox, the start script, and the modules to mount it. */
async function layEarlyRoot(tree: string, { kernel, busybox }: Parts): Promise<void> {
  const modules = await moduleFiles(kernel, earlyModules);
  for (const directory of ["bin", "modules"]) await mkdir(join(tree, directory), { recursive: true });
  await copyFile(busybox.path, join(tree, "bin/busybox"));
  for (const path of modules) await copyFile(path, join(tree, "modules", basename(path)));
  await writeFile(join(tree, "modules/order"), modules.map((path) => `${basename(path)}\n`).join(""));
  await writeFile(join(tree, "init"), initScript, { mode: 0o755 });
  await writeFile(join(tree, "dhcp-event"), dhcpEventScript, { mode: 0o755 });
}

/** What the node image has not: a mount point for the new root, our scripts and units, and Ignition. */
async function layAdditions(tree: string, { ignition }: Parts): Promise<void> {
  await mkdir(join(tree, libraryPath), { recursive: true });
  await mkdir(join(tree, "sysroot"));
  for (const [path, text] of Object.entries(systemFiles)) {
    const mode = text.startsWith("#!") ? 0o755 : 0o644;
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), text, { mode });
  }
  for (const [path, target] of Object.entries(systemLinks)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await symlink(target, join(tree, path));
  }
  await copyFile(ignition.path, join(tree, libraryPath, "ignition"));
}

/** Packs the trees that make a root, laid over each other, in a mount namespace that ends with the packing. */
async function packRoot(
  partial: string,
  target: string,
  { kernel, nodeImage, layer }: Parts,
  context: Context,
): Promise<void> {
  const lower = [join(partial, "additions"), layer, kernel.modules, nodeImage].join(":");
  const merged = join(partial, "merged");
  await mkdir(merged);
  const script = 'mount -t overlay -o "ro,lowerdir=$1" overlay "$2"; shift; exec mksquashfs "$@"';
  await run(...isolated("sh", "-ec", script, "sh", lower, merged, target, ...packing), {
    signal: context.signal,
  });
  await rm(merged, { recursive: true });
}

/**
 * Packs the image set for a containerd root in memory: its databases to be copied, its layers to stay where they are and be
 * found by links. The databases have the times at which the image set was made.
 */
async function packImages(
  tree: string,
  target: string,
  { imageSet }: Parts,
  context: Context,
): Promise<void> {
  const root = join(tree, "containerd");
  await mkdir(join(tree, "layers"), { recursive: true });
  await cloneTree(imageSet, root, context);
  const snapshots = join(root, snapshotsPath);
  for (const name of await readdir(snapshots)) {
    await mkdir(join(tree, "layers", name));
    await rename(join(snapshots, name, "fs"), join(tree, "layers", name, "fs"));
    await symlink(`${imagesPath}/layers/${name}/fs`, join(snapshots, name, "fs"));
  }
  await run("mksquashfs", [tree, target, ...packing], { signal: context.signal });
}

const date = String(netbootRecipe.sourceDateEpoch);

/** Of mksquashfs: small, but twice as fast to make as the smallest; the same for the same contents. */
const packing = [
  ...["-comp", "zstd", "-Xcompression-level", "9", "-b", "256K"],
  ...["-all-time", date, "-mkfs-time", date, "-no-exports"],
  ...["-noappend", "-no-progress", "-quiet"],
];

/** An archive in the order of names, all of it root's and of one date (cpio's `newc`, which the kernel reads). */
async function packInitrd(tree: string, target: string, context: Context): Promise<void> {
  const script = `chown -Rh 0:0 .; find . -exec touch -h -d "@$2" {} +
find . -mindepth 1 -print0 | LC_ALL=C sort -z | cpio --quiet --null --create --format=newc --reproducible --file="$1"`;
  const args = ["-ec", script, "sh", target, date];
  await run("sh", args, { cwd: tree, signal: context.signal });
}
