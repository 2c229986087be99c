import { chmod, chown, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Context } from "../../base/context.js";
import { SlipwayError } from "../../base/errors.js";
import {
  exists,
  makeDirectory,
  readTextIfPresent,
  syncDirectory,
  writeError,
  writeJsonAtomic,
} from "../../base/files.js";
import { profilePaths } from "../profile.js";
import { isSnapshotName, parseDescription, type SnapshotDescription } from "./description.js";

/**
 * The snapshots on the host: `NAME.db` and its description `NAME.json`, which is written last. What has no description is
 * no snapshot: a save that was cut short is never seen.
 */

/** A snapshot with where it is. */
export interface Snapshot extends SnapshotDescription {
  /** `host`, or the name of the node that took it by schedule and has it. */
  place: string;
  /** On the host, or on that node. */
  path: string;
}

export const snapshotsDirectory = (name: string, context: Context): string =>
  join(profilePaths(name, context).directory, "snapshots");

const descriptionOf = (file: string): string => `${file.replace(/\.db$/, "")}.json`;

/** What the host has of a cluster, oldest first. Tells of descriptions that cannot be read, and of files that are gone. */
export async function listShelf(name: string, context: Context): Promise<Snapshot[]> {
  const directory = snapshotsDirectory(name, context);
  if (!(await exists(directory))) return [];
  const names = (await readdir(directory)).filter((file) => /^[^.].*\.json$/.test(file));
  const found = await Promise.all(
    names.map(async (file) => {
      const path = join(directory, file.replace(/\.json$/, ".db"));
      const description = parseDescription(await readFile(join(directory, file), "utf8"));
      if (description && (await exists(path))) return { ...description, place: "host", path };
      context.events({ type: "warning", message: `${join(directory, file)} does not describe a snapshot` });
      return undefined;
    }),
  );
  return found.filter((snapshot) => snapshot !== undefined).sort(byAge);
}

export const byAge = (a: SnapshotDescription, b: SnapshotDescription): number =>
  Date.parse(a.takenAt) - Date.parse(b.takenAt) || a.name.localeCompare(b.name);

/** The directory, without what a save left that was cut short. The caller holds the profile's lock. */
export async function sweptShelf(name: string, context: Context): Promise<string> {
  const directory = snapshotsDirectory(name, context);
  await makeDirectory(directory, { mode: 0o700, owner: context.owner });
  const files = await readdir(directory);
  const left = files.filter(
    (file) => file.startsWith(".") || (file.endsWith(".db") && !files.includes(descriptionOf(file))),
  );
  await Promise.all(left.map((file) => rm(join(directory, file), { recursive: true, force: true })));
  return directory;
}

/** Where a snapshot of that name goes. @throws {SlipwayError} `USAGE` when it cannot be called so, or one is */
export async function freePlace(directory: string, name: string): Promise<string> {
  if (!isSnapshotName(name)) {
    throw new SlipwayError("USAGE", `a snapshot cannot be called ${JSON.stringify(name)}`, {
      hint: "use lower-case letters, digits, - _ and ., a letter or digit at both ends; latest means the newest",
    });
  }
  const path = join(directory, `${name}.db`);
  await refuseOverwriting(path);
  return path;
}

/** @throws {SlipwayError} `USAGE` when a snapshot or another file is there */
export async function refuseOverwriting(path: string): Promise<void> {
  for (const taken of [path, descriptionOf(path)]) {
    if (!(await exists(taken))) continue;
    throw new SlipwayError("USAGE", `${taken} exists, and a snapshot does not replace it`, {
      hint: "choose another name, or delete that one first",
    });
  }
}

/** A name beside a file for what will become it. */
export const partOf = (path: string): string => join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);

/** Makes a complete file the snapshot at `path`: on disk first, then by name, its description last. */
export async function shelve(
  part: string,
  path: string,
  description: SnapshotDescription,
  { owner }: Context,
): Promise<Snapshot> {
  try {
    await chmod(part, 0o600);
    if (owner) await chown(part, owner.uid, owner.gid);
    const handle = await open(part, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw writeError(path, error);
  }
  try {
    await writeJsonAtomic(descriptionOf(path), description, { mode: 0o600, ...owner });
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return { ...description, place: "host", path };
}

/** The description first: what is left of a removal that was cut short is no snapshot. */
export async function removeFromShelf({ path }: Snapshot): Promise<void> {
  await rm(descriptionOf(path), { force: true });
  await rm(path, { force: true });
  await syncDirectory(dirname(path));
}

/** A file of the user's with the description beside it. @returns undefined when there is no such file */
export async function findFile(
  path: string,
): Promise<{ path: string; sizeBytes: number; description?: SnapshotDescription } | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  const text = await readTextIfPresent(descriptionOf(path));
  const description = text === undefined ? undefined : parseDescription(text);
  if (text !== undefined && !description) {
    throw new SlipwayError("SNAPSHOT_INVALID", `${descriptionOf(path)} does not describe a snapshot`, {
      hint: "it is torn, was edited, or is of another version of slipway; bring back the one that was saved",
    });
  }
  return { path, sizeBytes: found.size, ...(description ? { description } : {}) };
}
