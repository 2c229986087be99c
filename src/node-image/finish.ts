import { chmod, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Context } from "../base/context.js";
import { run } from "../base/run.js";
import { buildLeftovers } from "../components/oci/debian.js";
import type { NodeImageRecipe } from "./recipe.js";

/** Turns a freshly installed Debian into the node's root: what tells of the building goes, the recipe's own comes. */
export async function finishRoot(rootfs: string, recipe: NodeImageRecipe, context: Context): Promise<void> {
  const inside = (path: string) => join(rootfs, path);
  for (const path of [...buildLeftovers, ...recipe.remove]) {
    await rm(inside(path), { recursive: true, force: true });
  }
  for (const path of ["run", "tmp", "var/tmp"]) {
    for (const name of await readdir(inside(path))) {
      await rm(join(inside(path), name), { recursive: true, force: true });
    }
  }
  for (const [path, mode] of Object.entries(recipe.directories)) {
    await mkdir(inside(path), { recursive: true });
    await chmod(inside(path), mode);
  }
  for (const [path, text] of Object.entries(recipe.files)) {
    await mkdir(dirname(inside(path)), { recursive: true });
    await writeFile(inside(path), text);
    await chmod(inside(path), 0o644);
  }
  const units = inside("/etc/systemd/system");
  const generators = inside("/etc/systemd/system-generators");
  await mkdir(generators, { recursive: true });
  for (const name of recipe.maskedUnits) await replaceLink("/dev/null", join(units, name));
  for (const name of recipe.maskedGenerators) await replaceLink("/dev/null", join(generators, name));
  await replaceLink(`/lib/systemd/system/${recipe.defaultTarget}`, join(units, "default.target"));
  const date = `@${recipe.sourceDateEpoch}`;
  await run("find", [rootfs, "-newermt", date, "-exec", "touch", "-h", "-d", date, "{}", "+"], {
    signal: context.signal,
  });
}

async function replaceLink(target: string, path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await symlink(target, path);
}
