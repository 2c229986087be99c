import { randomBytes } from "node:crypto";
import {
  lchown,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemCode } from "../../base/errors.js";
import { exists, makeDirectory, syncDirectory, writeError } from "../../base/files.js";
import type { DataDirectory, DataFile } from "./copied-volumes.js";

const current = "..data";

/** A directory's new contents, on the disk and not seen yet. */
export interface StagedDirectory {
  /** Shows them. Takes no space. */
  commit: () => Promise<void>;
  discard: () => Promise<void>;
}

/**
 * Writes a directory as kubelets write Secret and ConfigMap volumes (pkg/volume/util/atomic_writer.go): the files are in a
 * directory of their own, `..data` is a link to it that is swapped in one rename, and each name is a link through `..data`.
 * Whoever has it mounted sees all of the old files or all of the new ones, never some of each; keys that went are gone.
 *
 * The parents are root's alone, so the files' own modes, which a pod's user needs, open nothing to others on the node.
 *
 * @returns undefined when they are what is there
 * @throws {SlipwayError} `DISK_FULL`, `STATE_WRITE_FAILED`; nothing is left of it then
 */
export async function stageDataDirectory({
  path,
  group,
  files,
}: DataDirectory): Promise<StagedDirectory | undefined> {
  const generation = `..${randomBytes(8).toString("hex")}`;
  const next = join(path, `${current}_tmp`);
  const discard = async () => {
    await rm(join(path, generation), { recursive: true, force: true });
    await rm(next, { force: true });
  };
  const names = new Set(files.map((file) => topOf(file.path)));
  try {
    await makeDirectory(dirname(path), { mode: 0o700 });
    await makeDirectory(path, { mode: 0o755 });
    const before = await readlink(join(path, current)).catch(absent);
    if (before !== undefined && (await holds(join(path, before), files))) return undefined;
    await writeFiles(join(path, generation), files, group);
    await rm(next, { force: true });
    await symlink(generation, next);
    for (const name of names) {
      if (!(await exists(join(path, name)))) await symlink(join(current, name), join(path, name));
    }
  } catch (error) {
    await discard().catch(() => {}); // the first error is the one to report
    throw writeError(path, error);
  }
  const commit = async () => {
    try {
      await rename(next, join(path, current));
      // What earlier writes left, killed ones among them.
      for (const name of await readdir(path)) {
        if (name !== current && name !== generation && !names.has(name))
          await rm(join(path, name), { recursive: true, force: true });
      }
      await syncDirectory(path);
    } catch (error) {
      throw writeError(path, error);
    }
  };
  return { commit, discard };
}

/** Reads it back: paths to contents. undefined: there is none, or an unfinished one. */
export async function readDataDirectory(path: string): Promise<Map<string, Buffer> | undefined> {
  const generation = await readlink(join(path, current)).catch(absent);
  return generation === undefined ? undefined : filesIn(join(path, generation));
}

async function writeFiles(
  directory: string,
  files: readonly DataFile[],
  group: number | undefined,
): Promise<void> {
  const made = new Set<string>();
  const makeParents = async (path: string): Promise<void> => {
    if (made.has(path)) return;
    if (path !== directory) await makeParents(dirname(path));
    await mkdir(path, { mode: 0o755 });
    if (group !== undefined) await lchown(path, 0, group);
    made.add(path);
  };
  await makeParents(directory);
  for (const { path, contents, mode } of files) {
    const full = join(directory, path);
    await makeParents(dirname(full));
    const handle = await open(full, "wx", 0o600);
    try {
      await handle.writeFile(contents);
      if (group !== undefined) await handle.chown(0, group);
      await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
  for (const path of made) await syncDirectory(path);
}

async function holds(directory: string, files: readonly DataFile[]): Promise<boolean> {
  const present = await filesIn(directory).catch(absent);
  if (present === undefined || present.size !== files.length) return false;
  for (const { path, contents, mode } of files) {
    if (!present.get(path)?.equals(contents)) return false;
    if (((await stat(join(directory, path))).mode & 0o7777) !== mode) return false;
  }
  return true;
}

async function filesIn(directory: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const full = join(entry.path, entry.name);
    found.set(full.slice(directory.length + 1), await readFile(full));
  }
  return found;
}

const topOf = (path: string): string => path.split("/", 1)[0]!;

function absent(error: unknown): undefined {
  if (systemCode(error) === "ENOENT") return undefined;
  throw error;
}
