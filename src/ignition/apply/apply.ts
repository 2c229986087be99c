import { SlipwayError, systemCode } from "../../base/errors.js";
import type { IgnitionConfig } from "../config.js";
import type { ResourceResolver } from "./contents.js";
import { enableUnit } from "./enablement.js";
import { fetchFiles, orderEntries, writeEntry } from "./entries.js";
import { writePresets } from "./presets.js";
import { renderConfig } from "./render.js";
import { failed, Root } from "./root.js";
import { writeUnit } from "./units.js";
import { refuseUnsupported } from "./unsupported.js";
import { writeAccounts } from "./users.js";

export interface ApplyOptions {
  /** The day that new passwords count from (shadow(5)). */
  now: Date;
  /**
   * preset: as Ignition, which leaves enabling units to systemd's first boot. symlinks: also make the links that
   * `systemctl enable` makes, for a root that boots with a machine id and so has no first boot. @default "preset"
   */
  enableUnits?: "preset" | "symlinks";
  /** Fetches what is not a `data:` URL. Without it such a config is refused. */
  resolve?: ResourceResolver;
  signal?: AbortSignal;
}

/**
 * Writes a config into a root directory as the "files" stage of ignition 2.24 does: users and groups, then directories, files
 * and links, then units. Contents are fetched and paths looked up before anything is written; nothing is fsynced: a root
 * whose apply was interrupted is made again.
 *
 * @throws {SlipwayError} `NODE_CONFIG_FAILED` for what cannot be done, `NODE_CONFIG_INVALID` for a config that this one names
 * and that is not valid, `DISK_FULL`.
 */
export async function applyIgnition(
  config: IgnitionConfig,
  root: string,
  options: ApplyOptions,
): Promise<void> {
  const { now, enableUnits = "preset", resolve, signal } = options;
  const rendered = await renderConfig(config, { resolve, signal });
  refuseUnsupported(rendered);
  const files = await fetchFiles(rendered, { resolve, signal });
  signal?.throwIfAborted();
  try {
    write(rendered, files, new Root(root), { now, enableUnits });
  } catch (error) {
    throw applyError(error);
  }
}

function write(
  config: IgnitionConfig,
  files: Awaited<ReturnType<typeof fetchFiles>>,
  root: Root,
  { now, enableUnits }: Required<Pick<ApplyOptions, "now" | "enableUnits">>,
): void {
  const units = config.systemd?.units ?? [];
  orderEntries(config, files, root); // refuses before anything is written
  writeAccounts(config.passwd ?? {}, root, now);
  for (const entry of orderEntries(config, files, root)) writeEntry(entry, root); // homes may be new directories
  for (const unit of units) writeUnit(unit, root);
  writePresets(units, root);
  if (enableUnits === "symlinks") {
    for (const { name, enabled, mask } of units) if (enabled && !mask) enableUnit(name, root);
  }
}

function applyError(error: unknown): SlipwayError {
  if (error instanceof SlipwayError) return error;
  const { path = "the root", message = String(error) } = error as { path?: string; message?: string };
  const code = systemCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new SlipwayError("DISK_FULL", `there is no space left to write ${path}`, { cause: error });
  }
  return failed(`${path} could not be written: ${code ?? message}`, error);
}
