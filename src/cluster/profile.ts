import { appendFileSync, chownSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { fanOut, toCloudEvent } from "../base/events.js";
import { exists, makeDirectory, readJson, writeJsonAtomic } from "../base/files.js";
import { acquireLock, type HeldLock } from "../base/lock.js";
import type { PlatformFacts } from "../plan/facts.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { Journal } from "./journal.js";

/** Where a profile keeps what. */
export interface ProfilePaths {
  directory: string;
  /** The resolved spec: what the cluster is. */
  cluster: string;
  pki: string;
  /** The administrator's kubeconfig. */
  kubeconfig: string;
  /** The one that RBAC cannot lock out; apart, for emergencies. */
  breakGlass: string;
  journal: string;
  events: string;
  lock: string;
}

export function profilePaths(name: string, context: Context): ProfilePaths {
  const directory = join(profilesDirectory(context), name);
  return {
    directory,
    cluster: join(directory, "cluster.json"),
    pki: join(directory, "pki"),
    kubeconfig: join(directory, "kubeconfig"),
    breakGlass: join(directory, "break-glass.kubeconfig"),
    journal: join(directory, "journal.ndjson"),
    events: join(directory, "events.ndjson"),
    // Beside the directory, not in it: delete holds the lock while the directory goes.
    lock: join(profilesDirectory(context), `.${name}.lock`),
  };
}

export const profilesDirectory = (context: Context): string => join(context.paths.state, "profiles");
export const machinesDirectory = (context: Context): string => join(context.paths.state, "machines");

/** What cluster.json holds. */
export interface Profile {
  version: 1;
  createdAt: string;
  spec: ClusterSpec;
  facts: PlatformFacts;
}

/**
 * A profile as it is on disk; undefined when there is none.
 *
 * @throws {SlipwayError} `STATE_CORRUPT` when its file is torn or of another version.
 */
export async function findProfile(name: string, context: Context): Promise<Profile | undefined> {
  const path = profilePaths(name, context).cluster;
  const profile = await readJson<Profile>(path);
  if (profile === undefined) return undefined;
  if (profile.version !== 1 || profile.spec?.metadata?.name !== name) {
    throw new SlipwayError("STATE_CORRUPT", `${path} is not a profile that this version can read`, {
      hint: `restore the file, or remove the cluster: slipway delete -p ${name}`,
    });
  }
  return profile;
}

/** @throws {SlipwayError} `PROFILE_NOT_FOUND` */
export async function readProfile(name: string, context: Context): Promise<Profile> {
  const profile = await findProfile(name, context);
  if (profile) return profile;
  const others = await profileNames(context);
  throw new SlipwayError("PROFILE_NOT_FOUND", `there is no profile "${name}"`, {
    hint: others.length > 0 ? `there are: ${others.join(", ")} (choose with -p)` : "make one: slipway start",
  });
}

export async function writeProfile(context: Context, profile: Profile): Promise<void> {
  const { name } = profile.spec.metadata;
  await makeProfileDirectory(name, context);
  await writeJsonAtomic(profilePaths(name, context).cluster, profile, { mode: 0o600, ...context.owner });
}

export async function makeProfileDirectory(name: string, context: Context): Promise<void> {
  await makeDirectory(profilePaths(name, context).directory, { mode: 0o700, owner: context.owner });
}

/** Names of all profiles, a broken one too, sorted. */
export async function profileNames(context: Context): Promise<string[]> {
  if (!(await exists(profilesDirectory(context)))) return [];
  const entries = await readdir(profilesDirectory(context), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name)
    .sort();
}

export async function removeProfile(name: string, context: Context): Promise<void> {
  const { directory } = profilePaths(name, context);
  await rm(directory, { recursive: true, force: true });
}

export const profileJournal = (name: string, context: Context): Journal =>
  new Journal(profilePaths(name, context).journal, context.owner);

/** How long an operation waits for another one on the same profile before it says who holds it. */
const lockPatienceMs = 2000;

/** One operation at a time changes a profile. */
export async function lockProfile(name: string, context: Context): Promise<HeldLock> {
  return acquireLock(profilePaths(name, context).lock, {
    what: `profile "${name}"`,
    waitMs: lockPatienceMs,
    signal: context.signal,
    owner: context.owner,
    onWait: (holder) =>
      context.events({ type: "info", message: `waiting for ${holder}, which works on profile "${name}"` }),
  });
}

/** The context with its events also written to the profile's own log. */
export function loggedContext(name: string, context: Context): Context {
  const { events: path } = profilePaths(name, context);
  let id = 0;
  const write = (body: Parameters<Context["events"]>[0]) => {
    // Progress is for the eye; and a log that cannot be written must not stop the work.
    if (body.type === "progress" && (body.state === "running" || body.state === "waiting")) return;
    const event = toCloudEvent(body, {
      id: `${process.pid}-${++id}`,
      source: `/slipway/profiles/${name}`,
      time: context.clock.now(),
    });
    try {
      appendFileSync(path, `${JSON.stringify(event)}\n`, { mode: 0o600 });
      if (context.owner && id === 1) chownSync(path, context.owner.uid, context.owner.gid);
    } catch {}
  };
  return { ...context, events: fanOut(context.events, write) };
}
