import { SlipwayError } from "../../base/errors.js";
import { networkOf } from "../../net/cidr.js";
import { listLinks } from "../../net/ip-command.js";
import { parseRange } from "../inventory/lab-values.js";
import type { LabNetwork } from "../inventory/types.js";

/** A network that is not in the lab's files, as with matchbox's layout alone, which knows none. */
export interface NetworkRequest {
  interface: string;
  /** `10.88.0.50-10.88.0.99`; undefined: proxyDHCP beside the network's own DHCP server. */
  range?: string;
}

/** @throws {SlipwayError} `INTERFACE_NOT_FOUND` when there is no such interface, or it has no IPv4 address */
export async function networkOnInterface(request: NetworkRequest, signal: AbortSignal): Promise<LabNetwork> {
  const link = (await listLinks({ signal })).find(({ ifname }) => ifname === request.interface);
  const address = link?.addr_info.find(({ family }) => family === "inet");
  if (!address) {
    throw new SlipwayError(
      "CONFIG_INVALID",
      link
        ? `interface ${request.interface} has no IPv4 address`
        : `there is no interface ${request.interface}`,
      {
        hint: link ? `ip address add 10.88.0.1/24 dev ${request.interface}` : "ip link shows which there are",
      },
    );
  }
  const range = request.range === undefined ? undefined : parseRange(request.range);
  return {
    interface: request.interface,
    address: address.local,
    subnet: networkOf(`${address.local}/${address.prefixlen}`).text,
    mode: range ? "dhcp" : "proxy",
    ...(range ? { range } : {}),
    dns: range ? [address.local] : [],
    ntp: [],
    leaseSeconds: 3600,
    options: [],
  };
}
