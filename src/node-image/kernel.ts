import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { run } from "../base/run.js";
import { debianSuite } from "../components/oci/debian.js";
import { makeOnce } from "../components/oci/make-once.js";
import { ensureDebianTree } from "../components/oci/tree.js";

/** A kernel of Debian's, in the cache. */
export interface Kernel {
  /** As `uname -r` has it: `6.1.0-56-cloud-amd64`. */
  release: string;
  /** Path of the image that boot loaders take. */
  image: string;
  /** A tree with /usr/lib/modules/<release>, indexed for modprobe(8). */
  modules: string;
}

/** @param packageName e.g. `linux-image-cloud-amd64` */
export async function ensureKernel(packageName: string, context: Context): Promise<Kernel> {
  const directory = join(context.paths.cache, "kernels", `${debianSuite}-${packageName}`);
  const { release } = await makeOnce(directory, `the kernel ${packageName}`, context, async (partial) => {
    const tree = await ensureDebianTree([packageName], context);
    const [image, another] = (await readdir(join(tree, "boot"))).filter((name) =>
      name.startsWith("vmlinuz-"),
    );
    if (image === undefined || another !== undefined) {
      throw new SlipwayError("NODE_IMAGE_FAILED", `Debian's ${packageName} brought no kernel, or several`);
    }
    const found = image.slice("vmlinuz-".length);
    const inside = "usr/lib/modules";
    const script = 'mkdir -p "$2" && cp -a --reflink=auto "$1" "$2" && cp --reflink=auto "$3" "$4"';
    const [from, to] = [join(tree, inside, found), join(partial, "tree", inside)];
    await run("sh", ["-ec", script, "sh", from, to, join(tree, "boot", image), join(partial, "vmlinuz")], {
      signal: context.signal,
    });
    // depmod wants /lib/modules, which on a merged system is a link.
    await run("ln", ["-s", "usr/lib", join(partial, "tree/lib")]);
    await run("depmod", ["--basedir", join(partial, "tree"), found], { signal: context.signal });
    await run("rm", [join(partial, "tree/lib")]);
    return { release: found };
  });
  return { release, image: join(directory, "vmlinuz"), modules: join(directory, "tree") };
}

/**
 * Files of modules and of all that they need, in an order in which insmod(8) takes them.
 *
 * @returns absolute paths; a module that is built in has none
 */
export async function moduleFiles({ release, modules }: Kernel, names: readonly string[]): Promise<string[]> {
  const directory = join(modules, "usr/lib/modules", release);
  return moduleOrder(await readFile(join(directory, "modules.dep"), "utf8"), names).map((path) =>
    join(directory, path),
  );
}

/** Reads modules.dep(5): `path: path …`, where what a module needs stands behind it. */
export function moduleOrder(dependencies: string, names: readonly string[]): string[] {
  const lines = dependencies.split("\n").filter(Boolean);
  const entries = lines.map((line) => {
    const [path = "", needs = ""] = line.split(":");
    return { path, needs: needs.split(" ").filter(Boolean) };
  });
  const byName = new Map(entries.map((entry) => [basename(entry.path).replace(/\.ko.*$/, ""), entry]));
  // The last one needed comes first.
  const ordered = names.flatMap((name) => {
    const entry = byName.get(name);
    return entry ? [...entry.needs.toReversed(), entry.path] : [];
  });
  return [...new Set(ordered)];
}
