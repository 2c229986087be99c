import { loadSnapshot } from "../load.js";
import { inventoryError } from "../problem.js";
import type { Snapshot } from "../snapshot.js";
import { diffSnapshots, type InventoryDiff } from "./diff.js";

/**
 * Compares two inventories.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` when one of them is not valid
 */
export async function diffInventories(before: string, after: string): Promise<InventoryDiff> {
  return diffSnapshots(await valid(before), await valid(after));
}

async function valid(path: string): Promise<Snapshot> {
  const { snapshot, problems } = await loadSnapshot(path);
  if (!snapshot) throw inventoryError(problems, path, path);
  return snapshot;
}
