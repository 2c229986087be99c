import { join } from "node:path";
import type { Context } from "../base/context.js";
import { SlipwayError } from "../base/errors.js";
import { makeDirectory, readJson, writeJsonAtomic } from "../base/files.js";
import { didYouMean } from "../base/nearest.js";
import type { Paths } from "../base/paths.js";
import { applyFlags } from "../spec/apply-flags.js";
import { type StartFlag, type StartFlagValues, startFlags } from "../spec/flags.js";
import { startOptions } from "../spec/start-options.js";

/** What `slipway config set` stored: values of start's flags, by their names. */
export type Settings = StartFlagValues;

/** Flags that say something about one start only. */
const notKept = ["file", "dry-run", "offline", "download-only"];

/** What can be set: flags of start. */
export const settingFlags: Record<string, StartFlag> = Object.fromEntries(
  Object.entries(startFlags).filter(([name]) => !notKept.includes(name)),
);

export const settingsPath = (paths: Paths): string => join(paths.config, "config.json");

/** @throws {SlipwayError} `STATE_CORRUPT` */
export async function readSettings(paths: Paths): Promise<Settings> {
  const settings = await readJson<Settings>(settingsPath(paths));
  if (settings === undefined) return {};
  if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
    throw new SlipwayError("STATE_CORRUPT", `${settingsPath(paths)} does not hold a JSON object`, {
      hint: "correct the file, or remove it",
    });
  }
  return settings;
}

export async function writeSettings(settings: Settings, { paths, owner }: Context): Promise<void> {
  await makeDirectory(paths.config, { mode: 0o700, owner });
  await writeJsonAtomic(settingsPath(paths), settings, { mode: 0o600, ...owner });
}

/** @throws {SlipwayError} `USAGE` when it is not the name of a setting. */
export function settingFlag(name: string): StartFlag {
  const flag = settingFlags[name];
  if (flag) return flag;
  const near = didYouMean(name, Object.keys(settingFlags));
  throw new SlipwayError("USAGE", `there is no setting ${name}${near ? `, ${near}` : ""}`, {
    hint: "slipway config defaults lists the settings",
  });
}

/**
 * Reads a setting's value as start reads its flag.
 *
 * @throws {SlipwayError} `USAGE` or `CONFIG_INVALID` as start would.
 */
export function parseSetting(name: string, text: string): Settings {
  const { type, choices } = settingFlag(name);
  const setting = { [name]: parseValue(name, type, text) } as Settings;
  if (choices && !choices.includes(text)) {
    throw new SlipwayError("USAGE", `${name} cannot be ${text}`, {
      hint: `it may be ${choices.join(" or ")}`,
    });
  }
  applyFlags(undefined, setting);
  startOptions(setting);
  return setting;
}

function parseValue(name: string, type: StartFlag["type"], text: string): unknown {
  const refuse = (what: string) => new SlipwayError("USAGE", `${name} must be ${what}, not ${text}`);
  switch (type) {
    case "boolean":
      if (text !== "true" && text !== "false") throw refuse("true or false");
      return text === "true";
    case "integer":
      if (!/^-?\d+$/.test(text)) throw refuse("a whole number");
      return Number(text);
    case "strings":
      return [text];
    case "string":
      return text;
  }
}
