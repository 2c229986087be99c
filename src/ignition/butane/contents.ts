import { messageOf } from "../../base/errors.js";
import type { IgnitionConfig } from "../config.js";
import { encodeDataUrl } from "../data-url.js";
import type { Report } from "../problem.js";
import type { Decoded, Fields } from "./decoded.js";
import { embed, type LocalFiles, readLocalFile } from "./embed.js";
import { snakeKey } from "./shape.js";

/**
 * Turns what Butane says in its own fields into Ignition's: `inline`, `local`, `contents_local`, `ssh_authorized_keys_local`.
 * Fields that other files of this folder turn into entries are left out.
 */
export function toIgnition(
  config: Decoded,
  minor: number,
  local: LocalFiles,
  report: Report,
): IgnitionConfig {
  const { ignition, kernelArguments, passwd, storage, systemd } = config;
  const parts = { ignition: { ...ignition }, kernelArguments, passwd, storage, systemd };
  const translated = translate(parts, { minor, local }, report) as { ignition: Fields };
  return {
    ...translated,
    ignition: { version: `3.${minor}.0`, ...translated.ignition },
  } as unknown as IgnitionConfig;
}

interface Options {
  minor: number;
  local: LocalFiles;
}

function translate(value: unknown, options: Options, report: Report): unknown {
  if (Array.isArray(value)) return value.map((item, i) => translate(item, options, report.at(i)));
  if (typeof value !== "object" || value === null) return value;
  const fields: Fields = {};
  for (const [key, child] of Object.entries(value)) {
    if (!ownKeys.has(key)) fields[key] = translate(child, options, report.at(snakeKey(key)));
  }
  const { inline, local, contentsLocal, sshAuthorizedKeysLocal } = value as Record<string, unknown>;
  if (typeof inline === "string" || typeof local === "string")
    embedContents(value as Fields, fields, options, report);
  if (typeof contentsLocal === "string") embedUnit(contentsLocal, fields, options, report);
  if (Array.isArray(sshAuthorizedKeysLocal)) embedKeys(sshAuthorizedKeysLocal, fields, options, report);
  return fields;
}

/** Butane's own. */
const ownKeys = new Set([
  "inline",
  "local",
  "contentsLocal",
  "sshAuthorizedKeysLocal",
  "withMountUnit",
  "trees",
]);

function embedContents(from: Fields, to: Fields, { minor, local }: Options, report: Report): void {
  const given = ["local", "inline", "source"].filter((key) => from[key] !== undefined);
  const key = given.at(-1)!;
  if (given.length > 1) {
    report.at(key).error(`${given.join(" and ")}: only one of inline, local and source can be given`);
    return;
  }
  const text = from[key] as string;
  const contents = key === "inline" ? Buffer.from(text) : readLocal(text, local, report.at(key));
  if (!contents) return;
  if (minor === 0) to.source = encodeDataUrl(contents, { escaped: true });
  else Object.assign(to, embed(contents, from.compression as string | undefined));
}

function embedUnit(path: string, to: Fields, { local }: Options, report: Report): void {
  if (to.contents !== undefined) {
    report.at("contents_local").error("only one of contents and contents_local can be given");
  } else if (path !== "") {
    const contents = readLocal(path, local, report.at("contents_local"));
    if (contents) to.contents = Buffer.from(contents).toString("utf8");
  }
}

function embedKeys(paths: string[], to: Fields, { local }: Options, report: Report): void {
  const keys = paths.flatMap((path, i) => {
    const contents = readLocal(path, local, report.at("ssh_authorized_keys_local", i)) ?? Buffer.alloc(0);
    const lines = Buffer.from(contents).toString("utf8").split(/\r?\n/);
    return lines.filter((line) => line !== "");
  });
  if (keys.length > 0) to.sshAuthorizedKeys = [...((to.sshAuthorizedKeys as string[]) ?? []), ...keys];
}

function readLocal(path: string, local: LocalFiles, report: Report): Uint8Array | undefined {
  try {
    return readLocalFile(local, path);
  } catch (error) {
    report.error(messageOf(error));
    return undefined;
  }
}
