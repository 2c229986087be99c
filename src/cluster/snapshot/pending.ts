import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../../base/context.js";
import { readJson, writeJsonAtomic } from "../../base/files.js";
import { profilePaths } from "../profile.js";

/**
 * Stands from before a restore stops the control plane until it serves from the snapshot, or again from what was there. A
 * restore that is killed in between is finished by running it again, or by a start.
 */
export interface PendingRestore {
  /** Absolute path of the snapshot that is being restored. */
  snapshot: string;
}

const mark = (name: string, context: Context): string =>
  join(profilePaths(name, context).directory, "restore.json");

export const pendingRestore = (name: string, context: Context): Promise<PendingRestore | undefined> =>
  readJson<PendingRestore>(mark(name, context));

export const markRestore = (name: string, pending: PendingRestore, context: Context): Promise<void> =>
  writeJsonAtomic(mark(name, context), pending, { mode: 0o600, ...context.owner });

export const unmarkRestore = (name: string, context: Context): Promise<void> =>
  rm(mark(name, context), { force: true });
