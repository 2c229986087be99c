import { createHash } from "node:crypto";
import { readdir, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import { SlipwayError, systemCode } from "../../base/errors.js";
import { makeDirectory, type Owner, readJson, writeJsonAtomic } from "../../base/files.js";
import { acquireLock, type HeldLock } from "../../base/lock.js";

/** Where a lab's server keeps what it must not forget: leases, lives, timelines, its socket. Nothing of it is in the lab. */
export interface LabState {
  directory: string;
  /** The lab's own directory, absolute. */
  lab: string;
}

const labFile = "lab.json";

/** The directory of a lab's state: one for each lab, below the user's state. It need not exist. */
export async function stateDirectoryOf(state: string, lab: string): Promise<string> {
  const path = await realpath(lab).catch(() => lab);
  const digest = createHash("sha256").update(path).digest("hex").slice(0, 12);
  const name = basename(path)
    .replace(/[^\w.-]/g, "_")
    .slice(0, 40);
  return join(state, "netboot", `${name}-${digest}`);
}

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
 * @throws {SlipwayError} `USAGE` when none was ever served, or it is not clear which is meant
 */
export async function findLabState(
  state: string,
  named: { lab?: string | undefined; state?: string | undefined },
  workingDirectory: string,
): Promise<LabState> {
  if (named.state !== undefined) {
    const known = await readJson<{ lab: string }>(join(named.state, labFile));
    if (known) return { directory: named.state, lab: known.lab };
    throw neverServed(`${named.state} is no state of a lab's server`);
  }
  const all = await listLabStates(state);
  const own = await stateDirectoryOf(state, named.lab ?? workingDirectory);
  const found = all.find(({ directory }) => directory === own);
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
