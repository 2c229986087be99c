import { createHash } from "node:crypto";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { chmod, chown, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Context } from "../base/context.js";
import { SlipwayError, systemCode } from "../base/errors.js";
import { exists, makeDirectory, syncDirectory, writeError, writeJsonAtomic } from "../base/files.js";
import { acquireLock, type HeldLock } from "../base/lock.js";
import type { ComponentKind, ComponentRef, StoredComponent } from "./component.js";

/*
 * <cache>/components/
 *   files/<name>/<version>/component.json           the marker, written last
 *   files/<name>/<version>/<sha256>/<name>[.tar]    the file, read-only
 *   incoming/<name>@<version>/                      what is being fetched; may hold a part of a download
 *   locks/<name>@<version>                          held while it is fetched
 */

/** What the marker says. The file's place follows from it, so that the store can be moved as a whole. */
interface Marker extends Omit<StoredComponent, "path"> {
  /** Of the file when its hash was taken: a file that was touched since is not trusted. */
  modifiedMs: number;
}

/** What a producer says about the file that it wrote. */
export type Produced = Pick<StoredComponent, "provenance" | "image" | "recipe">;

const root = ({ paths }: Context) => join(paths.cache, "components");
const label = ({ name, version }: ComponentRef) => `${name}@${version}`;

/**
 * Name and version become path segments, and may come from a bundle.
 * @throws {SlipwayError} `COMPONENT_UNKNOWN`
 */
export function checkRef(ref: ComponentRef): void {
  for (const text of [ref.name, ref.version]) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/.test(text)) {
      throw new SlipwayError("COMPONENT_UNKNOWN", `"${text}" cannot be a component's name or version`);
    }
  }
}

function directoryOf(ref: ComponentRef, context: Context): string {
  checkRef(ref);
  return join(root(context), "files", ref.name, ref.version);
}

const fileName = (ref: ComponentRef, kind: ComponentKind) =>
  kind === "binary" ? ref.name : `${ref.name}.tar`;

/**
 * Finds a component that was stored before, without hashing. A file whose size or time is not what it was when its hash was
 * taken does not count. Reads synchronously: a start looks up dozens, and the way through the thread pool costs ten times
 * the calls themselves.
 */
export async function lookUp(ref: ComponentRef, context: Context): Promise<StoredComponent | undefined> {
  const directory = directoryOf(ref, context);
  const marker = readMarker(directory);
  if (!marker || marker.name !== ref.name || marker.version !== ref.version) return undefined;
  const { modifiedMs, ...stored } = marker;
  const path = join(directory, marker.sha256, fileName(ref, marker.kind));
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile() || found.size !== marker.sizeBytes || found.mtimeMs !== modifiedMs) return undefined;
  return { ...stored, path };
}

/** A torn or missing marker is the same: the component is fetched again. */
function readMarker(directory: string): Marker | undefined {
  try {
    const marker = JSON.parse(readFileSync(join(directory, "component.json"), "utf8")) as Marker;
    return typeof marker.sha256 === "string" ? marker : undefined;
  } catch {
    return undefined;
  }
}

/** Everything in the store, by name and version. */
export async function listComponents(context: Context): Promise<StoredComponent[]> {
  const files = join(root(context), "files");
  const found: StoredComponent[] = [];
  for (const name of (await namesIn(files)).sort()) {
    for (const version of (await namesIn(join(files, name))).sort()) {
      const stored = await lookUp({ name, version }, context);
      if (stored) found.push(stored);
    }
  }
  return found;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return [];
    throw error;
  }
}

/** Takes the lock under which a component is fetched; waits for another process that has it. */
export function lockComponent(ref: ComponentRef, context: Context): Promise<HeldLock> {
  checkRef(ref);
  return acquireLock(join(root(context), "locks", label(ref)), {
    what: `the component ${ref.name} ${ref.version}`,
    // A build can take long; who waits can be interrupted.
    waitMs: 6 * 3600 * 1000,
    signal: context.signal,
    owner: context.owner,
    onWait: (holder) => {
      // This process waits for itself where an image needs what is being got anyway: nothing to tell.
      if (holder.startsWith(`process ${process.pid} `)) return;
      const message = `${ref.name} ${ref.version} is being fetched by ${holder}; waiting`;
      context.events({ type: "info", message });
    },
  });
}

/**
 * The directory in which the holder of a component's lock collects its file. What an earlier, interrupted run left there
 * is still in it.
 */
export async function incomingDirectory(ref: ComponentRef, context: Context): Promise<string> {
  const directory = join(root(context), "incoming", label(ref));
  await makeDirectory(directory, { owner: context.owner });
  return directory;
}

/**
 * Takes a complete file into the store: hash, fsync, rename, and the marker last. The caller holds the component's lock and
 * has checked the file against what its source promised; the file must be on the cache's file system.
 *
 * @param knownSha256 of a file whose hash the caller has just taken
 */
export async function publish(
  ref: ComponentRef,
  kind: ComponentKind,
  file: string,
  { provenance, image, recipe }: Produced,
  context: Context,
  knownSha256?: string,
): Promise<StoredComponent> {
  const directory = directoryOf(ref, context);
  const sha256 = knownSha256 ?? (await hashFile(file, context.signal));
  const path = join(directory, sha256, fileName(ref, kind));
  await makeDirectory(dirname(path), { owner: context.owner });
  try {
    await chmod(file, kind === "binary" ? 0o555 : 0o444);
    if (context.owner) await chown(file, context.owner.uid, context.owner.gid);
    await syncFile(file);
    const { size, mtimeMs } = await stat(file);
    await rename(file, path);
    await syncDirectory(dirname(path));
    const stored = {
      ...ref,
      kind,
      sha256,
      sizeBytes: size,
      provenance,
      ...(image === undefined ? {} : { image }),
      ...(recipe === undefined ? {} : { recipe }),
    };
    const marker: Marker = { ...stored, modifiedMs: mtimeMs };
    await writeJsonAtomic(join(directory, "component.json"), marker, context.owner);
    await rm(join(root(context), "incoming", label(ref)), { recursive: true, force: true });
    return { ...stored, path };
  } catch (error) {
    throw writeError(path, error);
  }
}

/**
 * Stores a file that `produce` writes, unless the store has it: for what is made here and not in the catalog, as the node
 * image. Several processes that want the same file share the work.
 *
 * @param produce writes the path it is given
 */
export async function storeFile(
  ref: ComponentRef,
  kind: ComponentKind,
  produce: (path: string) => Promise<Produced>,
  context: Context,
): Promise<StoredComponent> {
  const found = await lookUp(ref, context);
  if (found) return found;
  await using _lock = await lockComponent(ref, context);
  const meanwhile = await lookUp(ref, context);
  if (meanwhile) return meanwhile;
  const path = join(await incomingDirectory(ref, context), fileName(ref, kind));
  await rm(path, { recursive: true, force: true });
  const produced = await produce(path);
  return await publish(ref, kind, path, produced, context); // awaited: the lock is held until then
}

/** Forgets components, files and all. A cluster that runs keeps the files that it has open or linked. */
export async function dropComponents(refs: readonly ComponentRef[], context: Context): Promise<void> {
  for (const ref of refs) {
    const directory = directoryOf(ref, context);
    if (!(await exists(directory))) continue;
    await using _lock = await lockComponent(ref, context);
    await rm(join(directory, "component.json"), { force: true }); // first: without it nothing is found
    await rm(directory, { recursive: true, force: true });
  }
}

/** One stored file whose bytes are not what they were. */
export interface BadComponent extends ComponentRef {
  path: string;
  expected: string;
  /** The hash found, or why there is none. */
  found: string;
}

/** Takes the hash of every stored file again. Changes nothing; `dropComponents` removes the bad ones. */
export async function verifyComponents(
  context: Context,
): Promise<{ good: StoredComponent[]; bad: BadComponent[] }> {
  const files = join(root(context), "files");
  const good: StoredComponent[] = [];
  const bad: BadComponent[] = [];
  for (const name of (await namesIn(files)).sort()) {
    for (const version of (await namesIn(join(files, name))).sort()) {
      const directory = join(files, name, version);
      const marker = readMarker(directory);
      if (!marker) {
        bad.push({ name, version, path: directory, expected: "a readable marker", found: "none" });
        continue;
      }
      const { modifiedMs: _, ...stored } = marker;
      const path = join(directory, marker.sha256, fileName(marker, marker.kind));
      const found = await hashFile(path, context.signal).catch((error: unknown) => {
        context.signal.throwIfAborted();
        return systemCode(error) ?? "unreadable";
      });
      if (found === marker.sha256) good.push({ ...stored, path });
      else bad.push({ name, version, path, expected: marker.sha256, found });
    }
  }
  return { good, bad };
}

/** @returns lower-case hex */
export async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal });
  return hash.digest("hex");
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
