import { link, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { systemClock } from "../base/clock.js";
import { isSlipwayError, SlipwayError, systemCode } from "../base/errors.js";
import { writeError } from "../base/files.js";
import { acquireLock } from "../base/lock.js";
import { Scope } from "../base/scope.js";
import type { KubeconfigFile } from "./kubeconfig-place.js";

/** kubectl itself holds its lock for milliseconds. */
const kubectlPatienceMs = 5_000;
const slipwayPatienceMs = 30_000;
const signature = "slipway";

/**
 * Locks kubeconfig files against other slipways and against kubectl.
 *
 * kubectl's lock (client-go `clientcmd/loader.go` lockFile) is a file `<config>.lock` that must not exist: it outlives
 * whoever is killed. So two locks: flock(2) on a file beside it, which the kernel releases, orders slipways; whoever
 * holds that one may also remove a `<config>.lock` that a killed slipway left, which is signed for the purpose.
 *
 * @throws {SlipwayError} `KUBECONFIG_BUSY`; `STATE_WRITE_FAILED` or `DISK_FULL` when a lock cannot be made.
 */
export async function lockKubeconfigs(
  files: readonly KubeconfigFile[],
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<AsyncDisposable> {
  const scope = new Scope();
  try {
    // Sorted, as kubectl does: two that lock the same files cannot wait for each other.
    const byTarget = new Map(files.map((file) => [file.target, file])); // a file listed under two names is one
    for (const [, file] of [...byTarget].sort(([a], [b]) => (a < b ? -1 : 1))) {
      scope.use(await lockAgainstSlipway(file, signal));
    }
    for (const path of [...new Set(files.map((file) => file.path))].sort()) {
      scope.defer(await lockAgainstKubectl(`${path}.lock`, signal));
    }
    return scope;
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

async function lockAgainstSlipway({ path, target, owner }: KubeconfigFile, signal?: AbortSignal) {
  const lockPath = join(dirname(target), `.${basename(target)}.slipway.lock`);
  try {
    return await acquireLock(lockPath, {
      what: path,
      waitMs: slipwayPatienceMs,
      code: "KUBECONFIG_BUSY",
      owner,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw isSlipwayError(error) ? error : writeError(lockPath, error);
  }
}

/** @returns what unlocks it. */
async function lockAgainstKubectl(
  lockPath: string,
  signal: AbortSignal | undefined,
): Promise<() => Promise<void>> {
  const untilMs = systemClock.monotonicMs() + kubectlPatienceMs;
  while (!(await createSigned(lockPath))) {
    if (await isLeftBySlipway(lockPath)) await rm(lockPath, { force: true });
    else if (systemClock.monotonicMs() > untilMs) throw await heldByOther(lockPath);
    else await systemClock.sleep(20, signal);
  }
  return () => rm(lockPath, { force: true });
}

/** Makes the lock with its signature in it at once; false when there is one. */
async function createSigned(lockPath: string): Promise<boolean> {
  // One name for all: only the holder of the flock comes here, and so removes what a killed one left.
  const draft = `${lockPath}.slipway`;
  try {
    await writeFile(draft, `${signature} ${process.pid}\n`, { mode: 0o600 });
    await link(draft, lockPath);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === "EEXIST") return false;
    // A file system without hard links.
    if (code === "EPERM" || code === "ENOTSUP") return createUnsigned(lockPath);
    throw writeError(lockPath, error);
  } finally {
    await rm(draft, { force: true });
  }
}

async function createUnsigned(lockPath: string): Promise<boolean> {
  try {
    const handle = await open(lockPath, "wx", 0o600);
    await handle.writeFile(`${signature} ${process.pid}\n`);
    await handle.close();
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw writeError(lockPath, error);
  }
}

/** kubectl's lock is empty, and has mode 0. */
async function isLeftBySlipway(lockPath: string): Promise<boolean> {
  try {
    return (await readFile(lockPath, "utf8")).startsWith(`${signature} `);
  } catch {
    return false; // gone, or not readable: not ours
  }
}

async function heldByOther(lockPath: string): Promise<SlipwayError> {
  const since = await stat(lockPath).then(
    ({ mtime }) => ` since ${mtime.toISOString()}`,
    () => "",
  );
  return new SlipwayError(
    "KUBECONFIG_BUSY",
    `another program has locked the kubeconfig${since}: ${lockPath}`,
    {
      hint: `if no kubectl is running, it was killed and left its lock: rm ${lockPath}`,
    },
  );
}
