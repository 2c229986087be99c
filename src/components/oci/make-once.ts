import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../../base/context.js";
import { makeDirectory, readJson, writeJsonAtomic } from "../../base/files.js";
import { acquireLock } from "../../base/lock.js";
import { run } from "../../base/run.js";

/** The file that is written last: a directory with it is complete. */
const markerName = "complete.json";

/**
 * Makes a directory of the cache once for all processes: in a place beside it, synced, with the marker written last,
 * then moved into its place. What a killed run left is removed and made again; who comes second waits.
 *
 * @param make fills the directory that it is given, and returns what the marker says
 * @returns what the marker says
 */
export async function makeOnce<T extends object>(
  directory: string,
  what: string,
  context: Context,
  make: (partial: string) => Promise<T>,
): Promise<T> {
  const marker = () => readMarker<T>(directory);
  const found = await marker();
  if (found) return found;
  await using _lock = await acquireLock(`${directory}.lock`, {
    what,
    waitMs: 60 * 60_000,
    signal: context.signal,
    owner: context.owner,
    onWait: (holder) => context.events({ type: "info", message: `${what} is being made by ${holder}` }),
  });
  const foundLater = await marker();
  if (foundLater) return foundLater;
  const partial = `${directory}.partial`;
  for (const leftover of [partial, directory]) await rm(leftover, { recursive: true, force: true });
  await makeDirectory(partial, { owner: context.owner });
  const made = await make(partial);
  // The marker must not reach the disk before what it vouches for.
  await run("sync", ["--file-system", partial], { signal: context.signal });
  await writeJsonAtomic(join(partial, markerName), made, context.owner);
  await rename(partial, directory);
  return made;
}

/** What the marker of a complete directory says; undefined when it is not complete. */
export const readMarker = <T>(directory: string): Promise<T | undefined> =>
  readJson<T>(join(directory, markerName));
