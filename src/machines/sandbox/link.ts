import { parseCidr } from "../../net/cidr.js";
import { ipBatch, listLinks, listRoutes, listRules } from "../../net/ip-command.js";
import { nftApply } from "../../net/nft.js";
import { portsTable } from "./firewall.js";
import { bridgeName, linkName, macAddress } from "./names.js";
import type { LiveNetwork } from "./network.js";
import type { MachineRecord } from "./record.js";

interface Options {
  signal?: AbortSignal;
}

/** Connects a machine, whose init has process id `pid`, to its cluster's bridge; opens its ports. */
export async function connect(
  record: MachineRecord,
  pid: number,
  live: LiveNetwork,
  options: Options = {},
): Promise<void> {
  const link = linkName(record.cluster, record.name);
  const { prefixLength } = parseCidr(record.network.nodeSubnet);
  const hostSide = async () => {
    await ipBatch(
      [
        ...(live.links.some(({ ifname }) => ifname === link) ? [`link delete ${link}`] : []),
        `link add ${link} type veth peer name eth0 address ${macAddress(record.cluster, record.name)} netns ${pid}`,
        `link set ${link} alias "slipway ${record.cluster} ${record.name}" master ${live.bridge} up`,
        // With br_netfilter, what a node sends to its own published port is bridged back to it.
        `link set ${link} type bridge_slave hairpin on`,
        ...(record.podCidr === undefined
          ? []
          : [`route replace ${record.podCidr} via ${record.address} dev ${live.bridge} table ${live.table}`]),
      ],
      options,
    );
    await ipBatch(
      [
        "link set lo up",
        `address add ${record.address}/${prefixLength} dev eth0`,
        "link set eth0 up",
        `route add default via ${record.network.gateway}`,
      ],
      { netnsPid: pid, ...options },
    );
  };
  await Promise.all([hostSide(), ...(record.ports.length === 0 ? [] : [applyPorts(record, options)])]);
}

/** Takes the host's end of it away; what is not there is no error. */
export async function disconnect(cluster: string, name: string, options: Options = {}): Promise<void> {
  const link = linkName(cluster, name);
  await Promise.all([deleteLink(link, options), nftApply(portsTable(link, "", []), options)]);
}

/** The kernel takes a link away by itself some time after the network at its other end is gone: also while we look. */
async function deleteLink(link: string, options: Options): Promise<void> {
  const isThere = async () => (await listLinks(options)).some(({ ifname }) => ifname === link);
  if (!(await isThere())) return;
  await ipBatch([`link delete ${link}`], options).catch(async (error: unknown) => {
    if (await isThere()) throw error;
  });
}

/** Stops routing a CIDR to a machine of the cluster. */
export async function removePodRoute(cluster: string, podCidr: string, options: Options = {}): Promise<void> {
  const bridge = bridgeName(cluster);
  const rule = (await listRules(options)).find(({ iif }) => iif === bridge);
  if (rule?.table === undefined) return;
  const routes = await listRoutes(rule.table, options);
  if (routes.some(({ dst, type }) => dst === podCidr && type === undefined)) {
    await ipBatch([`route delete ${podCidr} table ${rule.table}`], options);
  }
}

/** Publishes exactly these ports. */
export async function applyPorts(record: MachineRecord, options: Options = {}): Promise<void> {
  await nftApply(portsTable(linkName(record.cluster, record.name), record.address, record.ports), options);
}
