import { readdir, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { SlipwayError, systemCode } from "../../../base/errors.js";
import { makeDirectory, writeFileAtomic } from "../../../base/files.js";
import { textToBytes } from "../../template/byte-text.js";
import { loadSnapshot } from "../load.js";
import { type InventoryProblem, inventoryError } from "../problem.js";
import type { Conversion } from "./conversion.js";
import { toLab } from "./lab.js";
import { toMatchbox } from "./matchbox.js";

export const inventoryForms = ["lab", "matchbox"] as const;
export type InventoryForm = (typeof inventoryForms)[number];

export interface Converted {
  /** Relative to the output directory. */
  files: string[];
  /** What the other form cannot say, each by its name. */
  lost: string[];
  /** Warnings of the inventory that was read. */
  problems: InventoryProblem[];
}

/**
 * Writes an inventory in another form. The output is read once more before this returns.
 *
 * @param output a directory that is empty or not there
 * @throws {SlipwayError} `CONFIG_INVALID` when the inventory is not valid or the directory not empty; nothing is written
 */
export async function convertInventory(from: string, to: InventoryForm, output: string): Promise<Converted> {
  const { snapshot, problems } = await loadSnapshot(from);
  if (!snapshot) throw inventoryError(problems);
  await refuseFilled(output);
  const { files, lost } = to === "lab" ? toLab(snapshot) : toMatchbox(snapshot);
  await writeAll(files, resolve(output));
  const again = await loadSnapshot(output);
  if (!again.snapshot) {
    await removeAll(files, resolve(output));
    throw inventoryError(again.problems);
  }
  return { files: files.map(({ path }) => path), lost, problems };
}

async function refuseFilled(output: string): Promise<void> {
  const found = await readdir(output).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw new SlipwayError("CONFIG_INVALID", `${output}: it is not a directory`, { cause: error });
  });
  if (found.length === 0) return;
  throw new SlipwayError("CONFIG_INVALID", `${output}: the directory is not empty`, {
    hint: "name one that is empty or not there yet",
  });
}

async function writeAll(files: Conversion["files"], output: string): Promise<void> {
  await makeDirectory(output);
  for (const { path, text, secret } of files) {
    const file = join(output, path);
    await makeDirectory(dirname(file));
    await writeFileAtomic(file, textToBytes(text), secret ? { mode: 0o600 } : {});
  }
}

/** The files that we wrote, and nothing else. */
async function removeAll(files: Conversion["files"], output: string): Promise<void> {
  for (const { path } of files) await rm(join(output, path), { force: true });
}
