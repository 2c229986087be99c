import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../base/context.js";
import { exists, writeFileAtomic } from "../base/files.js";

/**
 * Leaves that were made anew have to reach the nodes that run. This mark stands from before the first one is written on the
 * host until all nodes serve with them, so that a run that is killed in between is finished by the next one.
 */
const renewalMark = (pkiDirectory: string): string => join(pkiDirectory, ".renewed");

/** Whether nodes may still run with leaves of before a renewal. */
export const isRenewalPending = (pkiDirectory: string): Promise<boolean> => exists(renewalMark(pkiDirectory));

export const markRenewal = (pkiDirectory: string, { owner }: Context): Promise<void> =>
  writeFileAtomic(renewalMark(pkiDirectory), "", { mode: 0o600, ...owner });

export const forgetRenewal = (pkiDirectory: string): Promise<void> =>
  rm(renewalMark(pkiDirectory), { force: true });
