import { SlipwayError } from "../../base/errors.js";
import { dhcpNetwork, isIn } from "../dhcp/network.js";
import { loadSnapshot } from "../inventory/load.js";
import { inventoryError } from "../inventory/problem.js";
import type { Snapshot } from "../inventory/snapshot.js";
import type { LabNetwork } from "../inventory/types.js";

/** The lab as a server would begin with it. @throws {SlipwayError} `CONFIG_INVALID` as a server would not */
export async function validSnapshot(path: string): Promise<Snapshot> {
  const { snapshot, problems } = await loadSnapshot(path);
  if (snapshot) return snapshot;
  throw inventoryError(problems, path);
}

/**
 * The network that a machine boots on: that of its interface, the one it has an address in, else the first with DHCP.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` when no network has this interface
 */
export function networkOf(
  networks: readonly LabNetwork[],
  interfaceName: string | undefined,
  address: string | undefined,
): LabNetwork | undefined {
  if (interfaceName !== undefined) {
    const named = networks.find((network) => network.interface === interfaceName);
    if (named) return named;
    const known = networks.map((network) => network.interface ?? network.subnet).join(", ");
    throw new SlipwayError("CONFIG_INVALID", `the lab has no network on ${interfaceName}`, {
      hint: `it has ${known}`,
    });
  }
  const own =
    address === undefined ? undefined : networks.find((network) => isIn(dhcpNetwork(network), address));
  return own ?? networks.find(({ mode }) => mode !== "none") ?? networks[0];
}
