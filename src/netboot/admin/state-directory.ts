import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SlipwayError, systemCode } from "../../base/errors.js";
import { exists, makeDirectory, type Owner, readJson, writeJsonAtomic } from "../../base/files.js";
import { acquireLock, type HeldLock } from "../../base/lock.js";
import type { Paths } from "../../base/paths.js";
import { labStateDirectory } from "../serve/lab-state.js";

/** Where a lab's server keeps what it must not forget: leases, lives, timelines, its socket. */
export interface LabState {
  directory: string;
  /** The lab itself: its directory, or its lab.yaml, absolute. */
  lab: string;
}

const labFile = "lab.json";

/**
 * Takes the state for a server, or for a change while none runs: one process at a time.
 *
 * @throws {SlipwayError} `PROFILE_BUSY` when another has it
 */
export async function lockLabState(
  { directory, lab }: LabState,
  owner: Owner | undefined,
): Promise<HeldLock> {
  await makeDirectory(directory, { mode: 0o700, owner });
  const lock = await acquireLock(join(directory, "lock"), { what: `the state of ${lab}`, owner });
  try {
    const known = await readJson<{ lab: string }>(join(directory, labFile));
    if (known?.lab !== lab)
      await writeJsonAtomic(join(directory, labFile), { lab }, { mode: 0o600, ...owner });
    return lock;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** All labs whose state is below the user's. */
export async function listLabStates(state: string): Promise<LabState[]> {
  const root = join(state, "netboot");
  const names = await readdir(root).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  });
  const found = await Promise.all(
    names.sort().map(async (name) => {
      const directory = join(root, name);
      const known = await readJson<{ lab: string }>(join(directory, labFile));
      return known ? { directory, lab: known.lab } : undefined;
    }),
  );
  return found.filter((each) => each !== undefined);
}

/**
 * Which lab's state is meant: the one that is named, else the working directory's, else the only one that there is.
 *
 * @throws {SlipwayError} `USAGE` when it was never served, or it is not clear which is meant
 */
export async function findLabState(
  paths: Paths,
  named: { lab?: string | undefined; state?: string | undefined },
  workingDirectory: string,
): Promise<LabState> {
  if (named.state !== undefined) {
    const known = await readJson<{ lab: string }>(join(named.state, labFile));
    if (!(await exists(named.state)))
      throw neverServed(`there is no state of a lab's server in ${named.state}`);
    return { directory: named.state, lab: named.lab ?? known?.lab ?? workingDirectory };
  }
  const all = await listLabStates(paths.state);
  const own = labStateDirectory(paths, named.lab ?? workingDirectory);
  const found = all.find(
    ({ directory, lab }) => directory === own || dirname(lab) === (named.lab ?? workingDirectory),
  );
  if (found) return found;
  if (named.lab !== undefined) throw neverServed(`${named.lab} was never served`);
  if (all.length === 1) return all[0]!;
  if (all.length === 0) throw neverServed("no lab was ever served here");
  throw new SlipwayError("USAGE", `there are ${all.length} labs, and it is not clear which is meant`, {
    hint: `add --lab with one of: ${all.map(({ lab }) => lab).join(", ")}`,
  });
}

const neverServed = (message: string): SlipwayError =>
  new SlipwayError("USAGE", message, { hint: "slipway netboot serve LAB serves it" });
