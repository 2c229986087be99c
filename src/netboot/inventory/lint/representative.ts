import { indexGroups, selectGroup } from "../select.js";
import { machineLabels, type Snapshot } from "../snapshot.js";
import type { Group, Labels } from "../types.js";

/** A machine that stands for those of a group, or one that is described. */
export interface Representative {
  /** `group a`, `machine b` */
  name: string;
  group: Group;
  labels: Labels;
  /** In which the group is what these labels get. */
  snapshot: Snapshot;
}

/** What iPXE sends along with our boot.ipxe, as a machine may say it; the MAC is no machine's. */
const usualLabels: Labels = {
  uuid: "00000000-0000-4000-8000-000000000001",
  mac: "00:00:00:00:00:00",
  domain: "",
  hostname: "",
  serial: "",
  arch: "x86_64",
};

/** For every group a machine that has just its labels, then every described machine that gets another group or has labels of its own. */
export function* representatives(snapshot: Snapshot): Generator<Representative> {
  for (const group of snapshot.groupsById.values()) {
    const labels = { ...usualLabels, ...group.selector };
    yield {
      name: `group ${group.id}`,
      group,
      labels,
      snapshot: { ...snapshot, groups: indexGroups([group]) },
    };
  }
  for (const { name, mac, labels } of snapshot.machines.byName.values()) {
    const own = machineLabels(snapshot, { ...usualLabels, mac });
    const group = selectGroup(snapshot.groups, own);
    if (!group || (group.selector.mac === mac && Object.keys(labels).length === 0)) continue;
    yield { name: `machine ${name}`, group, labels: own, snapshot };
  }
}
