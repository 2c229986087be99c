import type { Finding } from "./finding.js";
import { servedPorts } from "./ports.js";

/** What of `nft -j list ruleset` (libnftables-json(5)) matters here. */
export interface NftObject {
  chain?: { family: string; table: string; name: string; hook?: string; policy?: string };
  rule?: { family: string; table: string; chain: string; expr: NftExpression[] };
}

type NftExpression = Record<string, unknown> & { match?: NftMatch };

interface NftMatch {
  op: string;
  left: { payload?: { protocol: string; field: string }; meta?: { key: string }; ct?: unknown };
  right: unknown;
}

/**
 * Whether nftables lets machines in. Rules that say more than interface, protocol and port are taken for what they
 * mean in the simplest case: this names suspects, it does not simulate the kernel.
 *
 * @param rules undefined: they could not be listed
 */
export function firewallFindings(rules: readonly NftObject[] | undefined, interfaceName: string): Finding[] {
  if (rules === undefined) {
    const fix = "run it as root, with nftables installed";
    return [{ check: "firewall", result: "unknown", found: "its rules cannot be listed", fix }];
  }
  const inputs = rules.flatMap(({ chain }) => (chain?.hook === "input" ? [chain] : []));
  const found = inputs
    .filter(({ family }) => family === "inet" || family === "ip")
    .flatMap((chain) => {
      const own = rules.flatMap(({ rule }) =>
        rule && rule.table === chain.table && rule.chain === chain.name && rule.family === chain.family
          ? [rule]
          : [],
      );
      const closed = servedPorts.filter(
        (port) => verdictOf(own, chain.policy, port, interfaceName) === "drop",
      );
      if (closed.length === 0) return [];
      const name = `${chain.family} ${chain.table} ${chain.name}`;
      return [findingFor(name, closed, interfaceName)];
    });
  return found.length > 0
    ? found
    : [
        {
          check: "firewall",
          result: "ok",
          found: "nftables drops nothing that machines send to this server",
        },
      ];
}

type Served = (typeof servedPorts)[number];

function findingFor(chain: string, closed: readonly Served[], interfaceName: string): Finding {
  const list = closed.map(({ port, protocol, what }) => `${port}/${protocol} (${what})`).join(", ");
  const fixes = (["udp", "tcp"] as const).flatMap((protocol) => {
    const ports = closed.filter((each) => each.protocol === protocol).map(({ port }) => port);
    if (ports.length === 0) return [];
    return [
      `nft insert rule ${chain} iifname "${interfaceName}" ${protocol} dport { ${ports.join(", ")} } accept`,
    ];
  });
  return { check: "firewall", result: "problem", found: `${chain} drops ${list}`, fix: fixes.join("; ") };
}

/** The first rule that ends it for a packet to that port; else the chain's policy. */
function verdictOf(
  rules: readonly { expr: NftExpression[] }[],
  policy: string | undefined,
  port: Served,
  interfaceName: string,
): "accept" | "drop" {
  for (const { expr } of rules) {
    const verdict = expr.some((each) => "accept" in each)
      ? "accept"
      : expr.some((each) => "drop" in each || "reject" in each)
        ? "drop"
        : undefined;
    if (verdict === undefined) continue;
    if (expr.every(({ match }) => match === undefined || fits(match, port, interfaceName))) return verdict;
  }
  return policy === "drop" ? "drop" : "accept";
}

function fits({ op, left, right }: NftMatch, { port, protocol }: Served, interfaceName: string): boolean {
  const is = (has: boolean) => (op === "!=" ? !has : has);
  if (left.payload?.field === "dport") {
    const ofProtocol = left.payload.protocol === protocol || left.payload.protocol === "th";
    return ofProtocol && is(values(right).some((value) => holds(value, port)));
  }
  if (left.payload?.field === "protocol" || left.meta?.key === "l4proto")
    return is(values(right).includes(protocol));
  if (left.meta?.key === "iifname" || left.meta?.key === "iif")
    return is(values(right).includes(interfaceName));
  // Connection states, addresses, marks: the first packet of an unknown machine has none that a rule is likely to mean.
  return false;
}

const values = (right: unknown): unknown[] =>
  typeof right === "object" && right !== null && "set" in right && Array.isArray(right.set)
    ? right.set
    : [right];

function holds(value: unknown, port: number): boolean {
  if (typeof value === "object" && value !== null && "range" in value && Array.isArray(value.range)) {
    const [first, last] = value.range as number[];
    return first !== undefined && last !== undefined && first <= port && port <= last;
  }
  return value === port;
}
