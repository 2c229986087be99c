import { stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { SlipwayError, systemCode } from "../../base/errors.js";
import { inSlices } from "../../base/slices.js";
import { assemble, type Loaded } from "./assemble.js";
import { InventoryFiles } from "./inventory-files.js";

/**
 * The files of an inventory, not yet read.
 *
 * @param path a directory with a lab.yaml, matchbox's layout, or both; or a lab.yaml alone
 * @throws {SlipwayError} `CONFIG_INVALID` when there is no such thing
 */
export async function inventoryFiles(path: string): Promise<InventoryFiles> {
  const whole = resolve(path);
  const found = await stat(whole).catch((cause: unknown) => {
    const message =
      systemCode(cause) === "ENOENT" ? `${path}: there is no such directory` : `${path}: cannot be read`;
    throw new SlipwayError("CONFIG_INVALID", message, {
      hint: "give a directory with a lab.yaml or matchbox's groups/, profiles/ and ignition/",
      cause,
    });
  });
  return found.isDirectory()
    ? new InventoryFiles(whole)
    : new InventoryFiles(dirname(whole), basename(whole));
}

/**
 * Reads an inventory once. `snapshot` is undefined when `problems` holds errors; places are relative to the directory.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` when there is no such thing
 */
export async function loadSnapshot(path: string): Promise<Loaded> {
  const files = await inventoryFiles(path);
  await files.refresh();
  return inSlices(assemble(files));
}
