import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { arch } from "node:os";
import { join } from "node:path";
import type { Context } from "../base/context.js";
import { isSlipwayError, messageOf, SlipwayError } from "../base/errors.js";
import { run } from "../base/run.js";
import type { ComponentRef } from "../components/component.js";
import { subjectOf } from "../components/look-up.js";
import { debianSuite, makeDebianTree } from "../components/oci/debian.js";
import { makeOnce } from "../components/oci/make-once.js";
import { offlineMissing } from "../components/offline.js";
import type { EnsureOptions } from "../components/options.js";
import { startProgress } from "../components/progress.js";
import { lookUp, storeFile } from "../components/store.js";
import { finishRoot } from "./finish.js";
import { type NodeImageRecipe, nodeImageRecipe } from "./recipe.js";

/** A node image that is complete. */
export interface NodeImage {
  /** The root directory: read-only by agreement, to be an overlay's lowest layer. */
  path: string;
  /** Of the recipe. */
  id: string;
  /** Debian's packages in it, and their versions. */
  packages: Record<string, string>;
}

/**
 * The root file system that every node boots, kept in the cache: unpacked from the archive that a bundle brought, else made
 * from Debian packages, once for each recipe. Two processes share the work; a build that was killed is begun again, with
 * the packages that it had fetched.
 *
 * @throws {SlipwayError} `OFFLINE_MISSING`, `NODE_IMAGE_FAILED`, `PROGRAM_NOT_FOUND` (mmdebstrap), `COMPONENT_CORRUPT`,
 * `DISK_FULL`
 */
export async function ensureNodeImage(
  context: Context,
  { offline = false }: Pick<EnsureOptions, "offline"> = {},
  recipe: NodeImageRecipe = nodeImageRecipe,
): Promise<NodeImage> {
  const id = recipeId(recipe);
  const directory = join(context.paths.cache, "node-images", id);
  const { packages } = await makeOnce(directory, "the node image", context, async (partial) => {
    const rootfs = join(partial, "rootfs");
    const packed = await lookUp(nodeImageRef(recipe), context);
    if (packed) return await unpack(packed.path, rootfs, context);
    if (offline) throw offlineMissing([subjectOf(nodeImageRef(recipe))]);
    return await build(rootfs, recipe, context);
  });
  return { path: join(directory, "rootfs"), id, packages };
}

/** What the node image's archive is called in the store and in bundles. */
export const nodeImageRef = (recipe: NodeImageRecipe = nodeImageRecipe): ComponentRef => ({
  name: "node-image",
  version: recipeId(recipe),
});

/**
 * Puts the node image's archive into the store, for a bundle to carry it. Run as root: it holds files that only root reads.
 *
 * @throws {SlipwayError} as `ensureNodeImage`
 */
export async function packNodeImage(
  context: Context,
  options: Pick<EnsureOptions, "offline"> = {},
): Promise<ComponentRef> {
  const ref = nodeImageRef();
  const produce = async (path: string) => {
    const image = await ensureNodeImage(context, options);
    const { packTree } = await import("../components/tree-archive.js");
    await packTree(image.path, path, context.signal);
    const origin = `Debian ${debianSuite}, ${Object.keys(image.packages).length} packages`;
    return { provenance: { source: "debian" as const, origin } };
  };
  await storeFile(ref, "archive", produce, context);
  return ref;
}

async function unpack(archive: string, rootfs: string, context: Context) {
  const progress = startProgress({ subject: "node image", phase: "unpack", unit: "files" }, context);
  try {
    await mkdir(rootfs);
    // Loaded only here: a start with everything in the cache does not wait for it.
    const { unpackTree } = await import("../components/tree-archive.js");
    await unpackTree(archive, rootfs, context.signal);
    const packages = await installedPackages(rootfs, context);
    progress.end("ok");
    return { packages };
  } catch (error) {
    progress.end("failed");
    throw error;
  }
}

async function build(rootfs: string, recipe: NodeImageRecipe, context: Context) {
  const progress = buildProgress(context);
  try {
    await makeDebianTree({ ...debianRequest(recipe), target: rootfs, onLine: progress.line }, context);
    const packages = await installedPackages(rootfs, context);
    await finishRoot(rootfs, recipe, context);
    progress.end("ok");
    return { packages };
  } catch (error) {
    progress.end("failed");
    throw buildError(error, context.signal);
  }
}

const debianRequest = ({ packages, dpkgOptions, sourceDateEpoch }: NodeImageRecipe) => ({
  variant: "essential" as const,
  packages,
  dpkgOptions,
  sourceDateEpoch,
});

/** Names a recipe by all that it says. */
export const recipeId = (recipe: NodeImageRecipe): string =>
  createHash("sha256")
    .update(JSON.stringify([debianSuite, arch(), recipe]))
    .digest("hex")
    .slice(0, 16);

async function installedPackages(rootfs: string, context: Context): Promise<Record<string, string>> {
  const admin = `--admindir=${join(rootfs, "var/lib/dpkg")}`;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own format
  const { stdout } = await run("dpkg-query", [admin, "--show", "--showformat=${Package} ${Version}\\n"], {
    signal: context.signal,
  });
  return Object.fromEntries(stdout.split("\n").map((line) => line.split(" ") as [string, string]));
}

/** dpkg says `Setting up NAME (VERSION) ...` for each package, after apt said how many there are. */
function buildProgress(context: Context) {
  let done = 0;
  const tell = (state: "running" | "ok" | "failed", detail?: string) =>
    context.events({
      type: "progress",
      subject: "node image",
      phase: "build",
      done,
      unit: "packages",
      state,
      ...(detail === undefined ? {} : { detail }),
    });
  tell("running");
  return {
    line(line: string) {
      const name = /^Setting up (\S+)/.exec(line)?.[1];
      if (name === undefined) return;
      done += 1;
      tell("running", name);
    },
    end: tell,
  };
}

function buildError(error: unknown, signal: AbortSignal): unknown {
  signal.throwIfAborted();
  if (!isSlipwayError(error, "PROGRAM_FAILED")) return error;
  return new SlipwayError("NODE_IMAGE_FAILED", `the node image could not be built: ${messageOf(error)}`, {
    hint: "check that `apt-get update` works on this host, then run the same command again",
    details: error.details,
    cause: error,
  });
}
