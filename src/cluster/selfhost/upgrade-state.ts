import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../../base/context.js";
import { SlipwayError } from "../../base/errors.js";
import { readJson, writeJsonAtomic } from "../../base/files.js";
import { profilePaths } from "../profile.js";

/** An upgrade of the control plane that has begun and not ended: from before its first change until its last. */
export interface PendingUpgrade {
  version: 1;
  /** `v1.35.4` */
  from: string;
  to: string;
  startedAt: string;
  /** Path of the snapshot of etcd that was taken first. */
  snapshot?: string;
  /** Every node has the images of the target. */
  imagesLoaded?: boolean;
  /** The pod templates of before, by workload. */
  templates?: Record<string, object>;
}

const stateFile = (name: string, context: Context): string =>
  join(profilePaths(name, context).directory, "upgrade.json");

export const pendingUpgrade = (name: string, context: Context): Promise<PendingUpgrade | undefined> =>
  readJson<PendingUpgrade>(stateFile(name, context));

export const notePending = (name: string, pending: PendingUpgrade, context: Context): Promise<void> =>
  writeJsonAtomic(stateFile(name, context), pending, { mode: 0o600, ...context.owner });

export const forgetPending = (name: string, context: Context): Promise<void> =>
  rm(stateFile(name, context), { force: true });

/** For who would change a control plane in the middle of it. */
export const unendedUpgrade = (name: string, { to }: PendingUpgrade): SlipwayError =>
  new SlipwayError("USAGE", `an upgrade of ${name} to ${to} has begun and not ended`, {
    hint: `end that first: slipway selfhost upgrade -p ${name} --to ${to}`,
  });
