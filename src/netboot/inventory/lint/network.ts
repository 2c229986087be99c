import { contains } from "../../../net/cidr.js";
import { isInRange } from "../lab-checks.js";
import type { Snapshot } from "../snapshot.js";
import type { Find } from "./finding.js";

/** What is allowed of networks and seldom meant. (What cannot be is found where the inventory is read.) */
export function findNetwork({ networks, machines }: Snapshot, find: Find): void {
  for (const { mode, range, subnet } of networks) {
    const inside = [...machines.byAddress.values()].filter(({ address }) => contains(subnet, address!));
    if (mode === "dhcp" && range === undefined && inside.length === 0) {
      const message = `the network ${subnet} leases nothing: it has no range, and no machine has an address in it`;
      find({
        severity: "warning",
        check: "range",
        subject: { place: { file: "lab.yaml" } },
        field: [],
        message,
      });
    }
    if (range === undefined || mode !== "dhcp") continue;
    for (const machine of inside) {
      if (!isInRange(machine.address!, range.first, range.last)) continue;
      find({
        severity: "warning",
        check: "range",
        subject: { machine },
        field: ["address"],
        message: `${machine.address} lies in the range ${range.first}-${range.last}, where another machine may hold it before; take one outside`,
      });
    }
  }
}
