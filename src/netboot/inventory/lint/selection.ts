import { type GroupIndex, selectGroup, selectorText } from "../select.js";
import { machineLabels, type Snapshot } from "../snapshot.js";
import type { Group } from "../types.js";
import type { Find } from "./finding.js";

/** Groups that no machine can get, groups between which only the order of letters decides, machines that get none. */
export function findSelection(snapshot: Snapshot, find: Find): void {
  findShadowed(snapshot.groups, find);
  findTies(snapshot.groups, find);
  for (const machine of snapshot.machines.byName.values()) {
    const labels = machineLabels(snapshot, { mac: machine.mac });
    if (selectGroup(snapshot.groups, labels) || mayMatchByMore(snapshot.groups)) continue;
    find({
      severity: "warning",
      check: "no-group",
      subject: { machine },
      field: [],
      message: `no group takes ${machine.name}, and there is no default group: it boots nothing`,
    });
  }
}

/** Whether a machine may say of itself (uuid, serial …) what brings it into a group. */
const mayMatchByMore = ({ buckets }: GroupIndex): boolean =>
  buckets.some(({ keys }) => keys.some((key) => key !== "mac"));

function findShadowed({ buckets }: GroupIndex, find: Find): void {
  for (const { groups } of buckets) {
    for (const [winner, ...others] of groups.values()) {
      for (const group of others) {
        const selector = selectorText(group.selector);
        find({
          severity: "warning",
          check: "shadowed-group",
          subject: { group },
          field: ["selector"],
          message: `no machine gets this group: ${winner!.id} has the same selector${selector && ` (${selector})`}, and its id comes first`,
        });
      }
    }
  }
}

/**
 * Two groups of as many labels, by different keys, that one machine may match both. Told once for each pair of sets of
 * keys, with an example, since two ways to name machines (by MAC, by UUID) often stand side by side.
 */
function findTies({ buckets }: GroupIndex, find: Find): void {
  for (const [i, one] of buckets.entries()) {
    for (const other of buckets.slice(i + 1)) {
      if (other.keys.length !== one.keys.length) break; // sorted by how many
      const common = one.keys.filter((key) => other.keys.includes(key));
      const byCommon = new Map<string, Group>();
      const of = (group: Group) => JSON.stringify(common.map((key) => group.selector[key]));
      for (const [group] of one.groups.values())
        if (!byCommon.has(of(group!))) byCommon.set(of(group!), group!);
      const tied = [...other.groups.values()].flatMap(([group]) => {
        const rival = byCommon.get(of(group!));
        return rival ? [{ group: group!, rival }] : [];
      });
      const [first] = tied;
      if (first === undefined) continue;
      const { group, rival } = first;
      const texts = [selectorText(group.selector), selectorText(rival.selector)] as const;
      const winner = texts[0] > texts[1] ? group : rival;
      const more =
        tied.length > 1 ? `; so could ${tied.length - 1} more pairs of groups by these labels` : "";
      find({
        severity: "warning",
        check: "tied-groups",
        subject: { group },
        field: ["selector"],
        message: `a machine could match this group (${texts[0]}) and ${rival.id} (${texts[1]}) by as many labels; then ${winner.id} wins, whose selector sorts last${more}`,
      });
    }
  }
}
