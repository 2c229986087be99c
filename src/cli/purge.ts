import { readFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { run } from "../base/run.js";

/**
 * Removes all of slipway's own directories: settings, state, components, node images. For when no cluster is left.
 *
 * @param slipwayHome the environment's SLIPWAY_HOME, which the directories are then in
 * @param mountInfo proc(5)'s mountinfo. @default this process's
 * @throws {SlipwayError} `STATE_WRITE_FAILED` before anything is removed, when a path is not ours or still in use.
 */
export async function purge(
  { paths, signal }: Context,
  slipwayHome: string | undefined,
  mountInfo?: string,
): Promise<void> {
  const directories = [paths.config, paths.state, paths.cache].map((path) => resolve(path));
  const mounts = mountInfo ?? (await readFile("/proc/self/mountinfo", "utf8"));
  for (const directory of directories) {
    const isOurs = slipwayHome
      ? dirname(directory) === resolve(slipwayHome)
      : basename(directory) === "slipway";
    if (!isOurs) throw refuse(directory, "it is not a directory of slipway's own");
    if (mounts.includes(`${directory}/`))
      throw refuse(directory, "something in it is mounted: a node that still runs");
  }
  await run("rm", ["--recursive", "--force", "--one-file-system", "--", ...directories], { signal });
}

const refuse = (path: string, why: string): SlipwayError =>
  new SlipwayError("STATE_WRITE_FAILED", `${path} is not removed: ${why}`, { hint: "slipway profile list" });
