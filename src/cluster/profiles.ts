import { join } from "node:path";
import type { Context } from "../base/context.js";
import { isSlipwayError } from "../base/errors.js";
import { makeDirectory, readJson, writeJsonAtomic } from "../base/files.js";
import type { MachineState } from "../machines/driver.js";
import { hostDriver } from "./driver.js";
import { findProfile, profileNames, readProfile } from "./profile.js";

export const defaultProfile = "slipway";

/** A profile in a list. */
export interface ProfileSummary {
  name: string;
  active: boolean;
  /** `broken`: its file cannot be read; `slipway delete` removes it. */
  status: MachineState | "partly running" | "no machines";
  kubernetesVersion?: string;
  nodes?: number;
  driver?: string;
  address?: string;
}

export async function listProfiles(context: Context): Promise<ProfileSummary[]> {
  const driver = hostDriver(context);
  const active = await activeProfile(context);
  return Promise.all(
    (await profileNames(context)).map(async (name): Promise<ProfileSummary> => {
      try {
        const profile = await findProfile(name, context);
        if (!profile) return { name, active: name === active, status: "broken" };
        const machines = await driver.list(name);
        const states = new Set(machines.map(({ state }) => state));
        const [only] = states;
        const address = machines.find(({ role }) => role === "control-plane")?.address;
        return {
          name,
          active: name === active,
          status: only === undefined ? "no machines" : states.size === 1 ? only : "partly running",
          kubernetesVersion: profile.spec.kubernetesVersion,
          nodes: profile.spec.nodes.length,
          driver: profile.spec.driver,
          ...(address ? { address } : {}),
        };
      } catch (error) {
        if (isSlipwayError(error, "STATE_CORRUPT"))
          return { name, active: name === active, status: "broken" };
        throw error;
      }
    }),
  );
}

const activeFile = (context: Context): string => join(context.paths.config, "active-profile.json");

/** The profile that commands mean when they name none. */
export async function activeProfile(context: Context): Promise<string> {
  const stored = await readJson<{ name: string }>(activeFile(context));
  return stored?.name ?? defaultProfile;
}

/** @throws {SlipwayError} `PROFILE_NOT_FOUND` */
export async function useProfile(name: string, context: Context): Promise<void> {
  if (name !== defaultProfile) await readProfile(name, context);
  await makeDirectory(context.paths.config, { mode: 0o700, owner: context.owner });
  await writeJsonAtomic(activeFile(context), { name }, context.owner);
}
