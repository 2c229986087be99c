import { inSlices } from "../../../base/slices.js";
import { assemble } from "../assemble.js";
import { inventoryFiles } from "../load.js";
import { byPlace, type InventoryProblem } from "../problem.js";
import { findBoot } from "./boot.js";
import type { Finding } from "./finding.js";
import { locateFindings, withLine } from "./locate.js";
import { findNetwork } from "./network.js";
import { findUnused } from "./references.js";
import { findRendered } from "./rendered.js";
import { findSecrets } from "./secrets.js";
import { findSelection } from "./selection.js";
import { missingSettingsFiles } from "./settings-files.js";

/**
 * All that is wrong with an inventory, and all that probably is not meant: every file, every template, and what every group
 * and every machine gets. Sorted by place; places are relative to the inventory's directory.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` when there is no such inventory
 */
export async function lintInventory(
  path: string,
): Promise<{ directory: string; problems: InventoryProblem[] }> {
  const files = await inventoryFiles(path);
  await files.refresh();
  const { snapshot, problems } = await inSlices(assemble(files));
  const { directory } = files;
  if (!snapshot) return { directory, problems: problems.sort(byPlace) };
  const findings: Finding[] = [];
  const find = (finding: Finding) => findings.push(finding);
  findSelection(snapshot, find);
  findUnused(snapshot, find);
  findNetwork(snapshot, find);
  findSecrets(snapshot, find);
  findRendered(snapshot, find);
  await findBoot(snapshot, find);
  findings.push(...(await missingSettingsFiles(snapshot, files.labName)));
  const read: InventoryProblem[] = [];
  for (const problem of problems) {
    // What matchbox's API may leave unfinished for a while is an error for those who look.
    const isUnfinished = problem.check === "unknown-reference";
    read.push(isUnfinished ? { ...(await withLine(problem, directory)), severity: "error" } : problem);
  }
  const all = [...read, ...(await locateFindings(findings, directory))];
  return { directory, problems: all.sort(byPlace) };
}
