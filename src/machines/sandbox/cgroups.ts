import { readdir, readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { type Condition, met, unmet, waitFor } from "../../base/condition.js";
import { systemCode } from "../../base/errors.js";
import { readTextIfPresent } from "../../base/files.js";

export type CgroupLayout = "v1" | "hybrid" | "v2" | "none";

export interface CgroupMount {
  type: "cgroup" | "cgroup2";
  path: string;
  /** Options of the superblock; on v1 the controllers are among them. */
  options: string[];
}

/** Of `/proc/mounts` (proc(5)). */
export function cgroupMounts(mounts: string): CgroupMount[] {
  return mounts.split("\n").flatMap((line) => {
    const [, path, type, options] = line.split(" ");
    if (path === undefined || (type !== "cgroup" && type !== "cgroup2")) return [];
    return [{ type, path, options: (options ?? "").split(",") }];
  });
}

/** hybrid: v1 controllers, with a v2 hierarchy beside them that systemd uses for bookkeeping only. */
export function cgroupLayout(mounts: readonly CgroupMount[]): CgroupLayout {
  const v1 = mounts.some(({ type }) => type === "cgroup");
  const v2 = mounts.some(({ type }) => type === "cgroup2");
  if (v1) return v2 ? "hybrid" : "v1";
  return v2 ? "v2" : "none";
}

export const readCgroupMounts = async (): Promise<CgroupMount[]> =>
  cgroupMounts(await readFile("/proc/mounts", "utf8"));

/**
 * Removes a cgroup and those below it from every hierarchy. Those that still hold processes stay.
 * @param cgroup absolute, e.g. `/slipway/demo/demo-1`
 */
export async function removeCgroup(cgroup: string): Promise<void> {
  const mounts = await readCgroupMounts();
  await Promise.all(mounts.map(({ path }) => removeTree(join(path, cgroup))));
}

/**
 * Kills what still runs in a cgroup or below it, and waits for its end.
 * @throws {SlipwayError} `MACHINE_FAILED` when something cannot be killed
 */
export async function killCgroup(cgroup: string, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
  const mounts = await readCgroupMounts();
  const empty: Condition<CgroupMount[]> = {
    name: `no process is left in ${cgroup}`,
    async check() {
      const pids = (await Promise.all(mounts.map(({ path }) => processesBelow(join(path, cgroup))))).flat();
      for (const pid of new Set(pids)) kill(pid);
      return pids.length === 0 ? met() : unmet(`processes ${[...new Set(pids)].slice(0, 5).join(", ")}`);
    },
  };
  await waitFor(empty, mounts, {
    timeoutMs: 10_000,
    intervalMs: 10,
    code: "MACHINE_FAILED",
    ...(signal ? { signal } : {}),
  });
}

async function processesBelow(directory: string): Promise<number[]> {
  const own = (await readTextIfPresent(join(directory, "cgroup.procs")).catch(() => undefined)) ?? "";
  const below = await Promise.all((await subdirectories(directory)).map(processesBelow));
  return [...own.split("\n").filter(Boolean).map(Number), ...below.flat()];
}

function kill(pid: number): void {
  // 0 is how cgroupfs shows a process outside of our pid namespace, and would be our own process group to kill(2).
  if (pid <= 1) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (systemCode(error) !== "ESRCH") throw error;
  }
}

/** Removes the cgroup only if nothing is below it. */
export async function removeCgroupIfEmpty(cgroup: string): Promise<void> {
  const mounts = await readCgroupMounts();
  await Promise.all(mounts.map(({ path }) => removeDirectory(join(path, cgroup))));
}

async function removeTree(directory: string): Promise<void> {
  for (const child of await subdirectories(directory)) await removeTree(child);
  await removeDirectory(directory);
}

async function subdirectories(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(directory, entry.name));
}

async function removeDirectory(directory: string): Promise<void> {
  await rmdir(directory).catch((error: unknown) => {
    const code = systemCode(error);
    // cgroupfs answers EBUSY for processes or children inside.
    if (code !== "ENOENT" && code !== "EBUSY" && code !== "ENOTEMPTY") throw error;
  });
}
