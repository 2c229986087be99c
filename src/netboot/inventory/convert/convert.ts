import { readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { SlipwayError, systemCode } from "../../../base/errors.js";
import { makeDirectory, writeError, writeFileAtomic } from "../../../base/files.js";
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
  if (!snapshot) throw inventoryError(problems, from);
  await refuseFilled(output);
  const { files, lost } = to === "lab" ? toLab(snapshot) : toMatchbox(snapshot);
  await writeWhole(files, resolve(output));
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

/** All of it or nothing, however this ends: it is put together beside its place, read, and then renamed. */
async function writeWhole(files: Conversion["files"], output: string): Promise<void> {
  const beside = join(dirname(output), `.${basename(output)}.slipway-convert`);
  await rm(beside, { recursive: true, force: true }); // of a run that was killed
  try {
    await makeDirectory(beside);
    for (const { path, text, secret } of files) {
      const file = join(beside, path);
      await makeDirectory(dirname(file));
      await writeFileAtomic(file, textToBytes(text), secret ? { mode: 0o600 } : {});
    }
    const again = await loadSnapshot(beside);
    if (!again.snapshot) throw inventoryError(again.problems, beside);
    await moveTo(output, beside).catch((error: unknown) => {
      throw writeError(output, error);
    });
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw error;
  }
}

/** A directory that is there keeps its place and its mode; what gives the rest a meaning comes last. */
async function moveTo(output: string, beside: string): Promise<void> {
  const found = await readdir(output).catch(() => undefined);
  if (found === undefined) return rename(beside, output);
  const entries = (await readdir(beside)).sort((a, b) => Number(isRoot(a)) - Number(isRoot(b)));
  for (const entry of entries) await rename(join(beside, entry), join(output, entry));
  await rm(beside, { recursive: true, force: true });
}

const isRoot = (entry: string): boolean => entry === "lab.yaml" || entry === "groups";
