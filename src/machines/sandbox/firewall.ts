import type { ClusterNetwork, PublishedPort } from "../driver.js";
import { bridgeName } from "./names.js";

/** nftables text that replaces a table as a whole, in one transaction, whether it is there or not. */
const replaceTable = (name: string, body: string): string =>
  `add table ip ${name}\ndelete table ip ${name}\ntable ip ${name} {\n${body}}\n`;

export const removeTable = (name: string): string => `add table ip ${name}\ndelete table ip ${name}\n`;

/**
 * The cluster's own table: outward traffic is masqueraded; what comes in unasked is dropped, so that a node is reached
 * through published ports only.
 */
export function networkTable({ cluster, nodeSubnet }: ClusterNetwork): string {
  const bridge = bridgeName(cluster);
  return replaceTable(
    bridge,
    `  chain guard {
    type filter hook prerouting priority raw; policy accept;
    iifname "${bridge}" ip daddr 127.0.0.0/8 drop
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "${bridge}" accept
    oifname "${bridge}" ct state established,related accept
    oifname "${bridge}" ct status dnat accept
    oifname "${bridge}" drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${bridge}" ip saddr 127.0.0.0/8 masquerade
    oifname "${bridge}" ip saddr ${nodeSubnet} ct status dnat masquerade
    oifname != "${bridge}" ip saddr ${nodeSubnet} masquerade
  }
`,
  );
}

/** A machine's own table: its published ports, for the host's own connections (output) and everybody else's. */
export function portsTable(name: string, address: string, ports: readonly PublishedPort[]): string {
  if (ports.length === 0) return removeTable(name);
  const rules = ports
    .map(({ hostAddress, hostPort, nodePort, protocol }) => {
      const to = hostAddress === "0.0.0.0" ? "fib daddr type local" : `ip daddr ${hostAddress}`;
      return `    ${to} ${protocol} dport ${hostPort} dnat to ${address}:${nodePort}\n`;
    })
    .join("");
  return replaceTable(
    name,
    `  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
${rules}  }
  chain output {
    type nat hook output priority -100; policy accept;
${rules}  }
`,
  );
}

/** A chain of somebody else's that sees forwarded packets. */
export interface ForeignChain {
  family: string;
  table: string;
  name: string;
}

/** As `nft -j list chains` and `nft -j list chain` give them (libnftables-json(5)). */
export interface NftObject {
  chain?: ForeignChain & { hook?: string; policy?: string };
  rule?: { family: string; table: string; chain: string; handle: number; comment?: string };
}

/**
 * The chains that would drop our traffic: an accept in our own table does not overrule a drop in another. Docker and ufw
 * set the policy of `ip filter FORWARD`; firewalld rejects at the end of its chain.
 */
export const obstructingChains = (objects: readonly NftObject[]): ForeignChain[] =>
  objects.flatMap(({ chain }) =>
    chain?.hook === "forward" &&
    (chain.family === "ip" || chain.family === "inet") &&
    (chain.policy === "drop" || chain.table === "firewalld")
      ? [{ family: chain.family, table: chain.table, name: chain.name }]
      : [],
  );

/** Handles of the rules that were put in for our bridge: their comment says so. */
export const rulesOfBridge = (objects: readonly NftObject[], bridge: string): number[] =>
  objects.flatMap(({ rule }) => (rule?.comment === bridge ? [rule.handle] : []));

export const acceptInChain = ({ family, table, name }: ForeignChain, bridge: string): string =>
  ["iifname", "oifname"]
    .map(
      (key) =>
        `insert rule ${family} ${table} ${name} ${key} "${bridge}" counter accept comment "${bridge}"\n`,
    )
    .join("");
