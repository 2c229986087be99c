import { isDeepStrictEqual } from "node:util";
import { representatives } from "../lint/representative.js";
import type { Snapshot } from "../snapshot.js";
import type { Labels } from "../types.js";
import { type Change, changesBetween } from "./change.js";
import { leaves } from "./flatten.js";
import { whatBoots } from "./what-boots.js";

/** What a change of an inventory does. */
export interface InventoryDiff {
  /** Networks, DNS and settings. */
  shared: Change[];
  /** Machines and groups for which the same changes; first those with most changes. */
  touched: { who: string[]; changes: Change[] }[];
  /** How many were compared. */
  compared: number;
}

/**
 * Compares what every described machine gets, and a machine that has just the labels of a group's selector, for each group,
 * of both inventories.
 */
export function diffSnapshots(before: Snapshot, after: Snapshot): InventoryDiff {
  const who = subjects(before, after);
  const touched = new Map<string, { who: string[]; changes: Change[] }>();
  for (const [name, labels] of who) {
    const [was, is] = [whatBoots(before, labels), whatBoots(after, labels)];
    const changes = changesBetween(leaves(was), leaves(is));
    if (changes.length === 0) {
      if (JSON.stringify(was) === JSON.stringify(is)) continue;
      changes.push({ field: "order of entries", before: "one", after: "another" });
    }
    const key = JSON.stringify(changes);
    const known = touched.get(key);
    if (known) known.who.push(name);
    else touched.set(key, { who: [name], changes });
  }
  return {
    shared: changesBetween(leaves(sharedOf(before)), leaves(sharedOf(after))),
    touched: [...touched.values()].sort((a, b) => b.changes.length - a.changes.length),
    compared: who.size,
  };
}

/** By name, the labels of each. */
function subjects(before: Snapshot, after: Snapshot): Map<string, Labels> {
  const found = new Map<string, Labels>();
  for (const snapshot of [after, before]) {
    const described = new Set<string>();
    for (const { name, mac } of snapshot.machines.byName.values()) {
      described.add(mac);
      const key = `machine ${name} (${mac})`;
      if (!found.has(key)) found.set(key, { mac });
    }
    for (const { name, group, labels } of representatives(snapshot)) {
      // The machine itself stands for a group of its MAC alone.
      const isMachine = name.startsWith("machine ") || described.has(group.selector.mac ?? "");
      if (isMachine) continue;
      if (!found.has(name)) found.set(name, labels);
      else if (!isDeepStrictEqual(found.get(name), labels)) found.set(`${name}, by its old selector`, labels);
    }
  }
  return found;
}

const sharedOf = ({ networks, dns, settings }: Snapshot): unknown => ({
  networks: networks.map((network) => ({
    ...network,
    name: network.subnet,
    options: Object.fromEntries(
      network.options.map(({ code, value }) => [code, Buffer.from(value).toString("hex")]),
    ),
  })),
  dns,
  settings,
});
