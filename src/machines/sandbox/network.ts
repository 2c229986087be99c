import { readFile, writeFile } from "node:fs/promises";
import { SlipwayError } from "../../base/errors.js";
import { networkOf, overlaps, parseCidr } from "../../net/cidr.js";
import {
  ipBatch,
  type LinkInfo,
  listLinks,
  listRoutes,
  listRules,
  type RouteInfo,
  type RuleInfo,
} from "../../net/ip-command.js";
import { nftApply, nftList } from "../../net/nft.js";
import type { ClusterNetwork } from "../driver.js";
import {
  acceptInChain,
  type NftObject,
  networkTable,
  obstructingChains,
  removeTable,
  rulesOfBridge,
} from "./firewall.js";
import { bridgeName, clusterNumber, macAddress } from "./names.js";

interface Options {
  signal?: AbortSignal;
}

/** A cluster's network as the kernel has it. */
export interface LiveNetwork {
  bridge: string;
  /** The routing table of the pods' CIDRs: its own for each cluster, so that two may use the same ones. */
  table: number;
  links: LinkInfo[];
}

/**
 * Makes what is missing of a cluster's network: bridge, policy routing, firewall, forwarding. Nothing is touched that is
 * there already.
 *
 * @throws {SlipwayError} `NETWORK_CONFLICT` when the host uses the range otherwise
 */
export async function ensureNetwork(network: ClusterNetwork, options: Options = {}): Promise<LiveNetwork> {
  const bridge = bridgeName(network.cluster);
  const [links, rules, objects, routes] = await Promise.all([
    listLinks(options),
    listRules(options),
    nftList<NftObject>(["chains"], options),
    listRoutes("all", options),
  ]);
  const own = links.find((link) => link.ifname === bridge);
  checkRange(network, own, bridge, links, routes);
  const { table, commands } = await policyRouting(network, bridge, rules, routes);
  await ipBatch(
    [
      ...bridgeCommands(network, own),
      ...commands,
      // Pods that are gone are answered for here and not by the host's default route.
      `route replace unreachable ${network.podSubnet} metric 4294967295 table ${table}`,
    ],
    options,
  );
  await Promise.all([setKernelSwitches(bridge), ensureFirewall(network, objects ?? [], options)]);
  return { bridge, table, links };
}

/** Takes the cluster's network down; what is not there is no error. */
export async function deleteNetwork(cluster: string, options: Options = {}): Promise<void> {
  const bridge = bridgeName(cluster);
  const [links, rules, objects] = await Promise.all([
    listLinks(options),
    listRules(options),
    nftList<NftObject>(["ruleset"], options),
  ]);
  const ours = rules.filter((rule) => rule.iif === bridge);
  await ipBatch(
    [
      ...(links.some((link) => link.ifname === bridge) ? [`link delete ${bridge}`] : []),
      ...ours.flatMap((rule) => [
        `route flush table ${rule.table}`,
        `rule delete iif ${bridge} lookup ${rule.table} priority ${rule.priority}`,
      ]),
    ],
    options,
  );
  const foreign = (objects ?? []).flatMap(({ rule }) =>
    rule && rule.table !== bridge && rulesOfBridge([{ rule }], bridge).length > 0
      ? [`delete rule ${rule.family} ${rule.table} ${rule.chain} handle ${rule.handle}\n`]
      : [],
  );
  await nftApply(removeTable(bridge) + foreign.join(""), options);
}

/** The network that a bridge of ours says it is; undefined when there is none for that cluster. */
export async function findNetwork(
  cluster: string,
  options: Options = {},
): Promise<ClusterNetwork | undefined> {
  const link = (await listLinks(options)).find(({ ifname }) => ifname === bridgeName(cluster));
  return link && fromAlias(link.ifalias ?? "");
}

/** The bridge says whose it is: for people, and for `create`, which needs the gateway. */
const aliasOf = ({ cluster, nodeSubnet, gateway, podSubnet }: ClusterNetwork): string =>
  ["slipway", cluster, nodeSubnet, gateway, podSubnet].join(" ");

function fromAlias(alias: string): ClusterNetwork | undefined {
  const [brand, cluster, nodeSubnet, gateway, podSubnet] = alias.split(" ");
  if (brand !== "slipway" || !cluster || !nodeSubnet || !gateway || !podSubnet) return undefined;
  return { cluster, nodeSubnet, gateway, podSubnet };
}

/** What is missing of the bridge; one without a description is what a killed run had begun. */
function bridgeCommands(network: ClusterNetwork, own: LinkInfo | undefined): string[] {
  const bridge = bridgeName(network.cluster);
  const { prefixLength } = parseCidr(network.nodeSubnet);
  const described = own?.ifalias !== undefined;
  const hasAddress = own?.addr_info.some(({ local }) => local === network.gateway);
  return [
    ...(own && !described ? [`link delete ${bridge}`] : []),
    ...(described
      ? []
      : [
          `link add ${bridge} address ${macAddress(network.cluster)} type bridge forward_delay 0 mcast_snooping 0`,
          `link set ${bridge} alias "${aliasOf(network)}"`,
        ]),
    ...(described && hasAddress ? [] : [`address replace ${network.gateway}/${prefixLength} dev ${bridge}`]),
    ...(described && own?.flags.includes("UP") ? [] : [`link set ${bridge} up`]),
  ];
}

function checkRange(
  network: ClusterNetwork,
  own: LinkInfo | undefined,
  bridge: string,
  links: readonly LinkInfo[],
  routes: readonly RouteInfo[],
): void {
  if (own?.ifalias !== undefined) {
    if (own.ifalias === aliasOf(network)) return;
    throw new SlipwayError(
      "NETWORK_CONFLICT",
      `the bridge of cluster ${network.cluster} is there with another network`,
      {
        hint: `delete the cluster first, or remove what is left of it: ip link delete ${bridge}`,
        details: { found: own.ifalias, wanted: aliasOf(network) },
      },
    );
  }
  const conflict = rangeConflict(network.nodeSubnet, bridge, links, routes);
  if (conflict === undefined) return;
  throw new SlipwayError("NETWORK_CONFLICT", `the host already uses ${conflict}`, {
    hint: "choose another range for the nodes: network.nodeSubnet in a cluster file",
    details: { wanted: network.nodeSubnet },
  });
}

/** What on the host overlaps a range, for people; undefined when nothing does. The default route does not count. */
export function rangeConflict(
  range: string,
  bridge: string,
  links: readonly LinkInfo[],
  routes: readonly RouteInfo[],
): string | undefined {
  for (const link of links) {
    if (link.ifname === bridge) continue;
    for (const { family, local, prefixlen } of link.addr_info) {
      if (family === "inet" && overlaps(networkOf(`${local}/${prefixlen}`), range)) {
        return `${local}/${prefixlen} on interface ${link.ifname}`;
      }
    }
  }
  // Other clusters' pods have tables of their own: they cannot clash with nodes. Only what everybody sees counts.
  const route = routes.find(
    ({ dst, dev, table, type }) =>
      dst !== "default" &&
      dev !== bridge &&
      type === undefined &&
      (table === undefined || table === "main") &&
      overlaps(networkOf(dst.includes("/") ? dst : `${dst}/32`), range),
  );
  return route && `${route.dst} (a route through ${route.dev ?? route.gateway})`;
}

/** Finds or plans the rule that sends what comes from the bridge to a table of its own. */
async function policyRouting(
  network: ClusterNetwork,
  bridge: string,
  rules: readonly RuleInfo[],
  routes: readonly RouteInfo[],
): Promise<{ table: number; commands: string[] }> {
  const own = rules.find((rule) => rule.iif === bridge);
  if (own) return { table: Number(own.table), commands: [] };
  const taken = new Set([...rules, ...routes].map(({ table }) => table));
  const priorities = new Set(rules.map(({ priority }) => priority));
  // After `local` (0), before `main` (32766); tables far above the named ones (0 … 255).
  const table = firstFree(7_000_000, 1_000_000, network.cluster, (n) => !taken.has(String(n)));
  const priority = firstFree(7_000, 1_000, network.cluster, (n) => !priorities.has(n));
  return { table, commands: [`rule add iif ${bridge} lookup ${table} priority ${priority}`] };
}

function firstFree(base: number, range: number, cluster: string, isFree: (n: number) => boolean): number {
  const start = clusterNumber(cluster, range);
  for (let i = 0; i < range; i++) {
    const candidate = base + ((start + i) % range);
    if (isFree(candidate)) return candidate;
  }
  throw new SlipwayError("NETWORK_CONFLICT", "no routing table or rule priority is free on the host");
}

async function setKernelSwitches(bridge: string): Promise<void> {
  const ipv4 = "/proc/sys/net/ipv4";
  const strictEverywhere = (await readFile(`${ipv4}/conf/all/rp_filter`, "utf8")).trim() === "1";
  const set = async (path: string, value: string) => {
    const current = (await readFile(path, "utf8")).trim();
    if (current !== value) await writeFile(path, value);
  };
  await Promise.all([
    set(`${ipv4}/ip_forward`, "1"),
    // Pods' addresses have no route back in the main table, so that the strict test would drop them (RFC 3704 §2.4).
    // The kernel takes the greater of `all` and the interface's value: 2, the loose test, overrules a 1.
    set(`${ipv4}/conf/${bridge}/rp_filter`, strictEverywhere ? "2" : "0"),
    // For ports published on 127.0.0.1; the firewall's `guard` chain keeps nodes away from the host's loopback.
    set(`${ipv4}/conf/${bridge}/route_localnet`, "1"),
    set(`${ipv4}/conf/${bridge}/send_redirects`, "0"),
  ]);
}

async function ensureFirewall(
  network: ClusterNetwork,
  chains: readonly NftObject[],
  options: Options,
): Promise<void> {
  const bridge = bridgeName(network.cluster);
  const hasTable = chains.some(({ chain }) => chain?.table === bridge);
  const accepts = await Promise.all(
    obstructingChains(chains).map(async (chain) => {
      const rules = await nftList<NftObject>(["chain", chain.family, chain.table, chain.name], options);
      return rulesOfBridge(rules ?? [], bridge).length > 0 ? "" : acceptInChain(chain, bridge);
    }),
  );
  const commands = (hasTable ? "" : networkTable(network)) + accepts.join("");
  if (commands !== "") await nftApply(commands, options);
}
