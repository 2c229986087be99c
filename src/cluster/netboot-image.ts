import { constants, copyFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../base/context.js";
import { makeDirectory, writeError, writeJsonAtomic } from "../base/files.js";
import { handOver } from "../base/hand-over.js";
import type { ComponentRef } from "../components/component.js";
import { ensureComponents } from "../components/ensure.js";
import { ensureNetbootImage, type NetbootImage } from "../node-image/netboot.js";
import type { KernelFlavour } from "../node-image/netboot-recipe.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { type ComponentOptions, workerComponents } from "./software.js";

/** Kernel and initrd with which a machine becomes a worker of such a cluster: binaries and images are in them. */
export async function ensureWorkerNetbootImage(
  spec: ClusterSpec,
  kernel: KernelFlavour,
  options: ComponentOptions,
  context: Context,
): Promise<NetbootImage> {
  const { binaries, images } = workerComponents(spec);
  const stored = await ensureComponents([...binaries, ...images], options, context);
  const pick = (refs: ComponentRef[]) => refs.map(({ name }) => stored.get(name)!);
  return ensureNetbootImage({ binaries: pick(binaries), images: pick(images), kernel }, options, context);
}

/** Puts kernel, initrd and what they are (netboot.json, last) into a directory, each whole or not at all. */
export async function exportNetbootImage(
  { kernel, initrd, facts }: NetbootImage,
  directory: string,
  context: Context,
): Promise<NetbootImage> {
  await makeDirectory(directory, { owner: context.owner });
  const place = async (from: string, name: string): Promise<string> => {
    const to = join(directory, name);
    const partial = join(directory, `.${name}.partial`);
    try {
      await copyFile(from, partial, constants.COPYFILE_FICLONE);
      await handOver(partial, context.owner);
      await rename(partial, to);
    } catch (error) {
      throw writeError(to, error);
    }
    return to;
  };
  const exported = { kernel: await place(kernel, "kernel"), initrd: await place(initrd, "initrd"), facts };
  await writeJsonAtomic(join(directory, "netboot.json"), facts, context.owner);
  return exported;
}
