import type { Check, PreflightRequest } from "../../driver.js";
import { bridgeName } from "../names.js";
import { rangeConflict } from "../network.js";
import { ok } from "./check.js";
import type { PreflightFacts } from "./facts.js";

export function judgeNetwork(facts: PreflightFacts, { network, ports = [] }: PreflightRequest): Check[] {
  return [
    forwarding(facts),
    reversePath(facts),
    bridgeNetfilter(facts),
    ...legacyFirewall(facts),
    ...(network === undefined ? [] : [nodeRange(facts, network), podRange(facts, network)]),
    ...ports.map((port): Check => {
      const busy = facts.busyPorts.find((one) => one.port === port);
      const name = `port-${port.hostPort}`;
      if (!busy) return ok(name, `free on ${port.hostAddress}`);
      const found = `${port.protocol} on ${port.hostAddress}: taken by ${busy.holder}`;
      return {
        name,
        status: "failed",
        found,
        fix: `stop it, or publish another: --ports OTHER:${port.nodePort}`,
      };
    }),
    ...leftovers(facts),
  ];
}

type Network = NonNullable<PreflightRequest["network"]>;

function forwarding({ ipForward: { enabled, writable } }: PreflightFacts): Check {
  if (enabled) return ok("ip-forward", "on");
  if (writable) return ok("ip-forward", "off; will be switched on");
  const fix = "sysctl -w net.ipv4.ip_forward=1 on the host itself";
  return { name: "ip-forward", status: "failed", found: "off, and /proc/sys cannot be written", fix };
}

/** Loose reverse-path tests need some route to the pods: the default one will do. */
function reversePath({ sysctls, routes }: PreflightFacts): Check {
  const value = sysctls.get("net.ipv4.conf.all.rp_filter") ?? 0;
  if (value === 0 || routes.some(({ dst }) => dst === "default"))
    return ok("reverse-path-filter", String(value));
  return {
    name: "reverse-path-filter",
    status: "warning",
    found: `net.ipv4.conf.all.rp_filter is ${value} and there is no default route: pods of different nodes cannot talk`,
    fix: "sysctl -w net.ipv4.conf.all.rp_filter=0",
  };
}

function bridgeNetfilter({ bridgeNetfilter: present }: PreflightFacts): Check {
  if (present) return ok("br_netfilter", "works");
  return {
    name: "br_netfilter",
    status: "warning",
    found: "not loaded: a pod may not reach a Service whose pod is on the same node",
    fix: "modprobe br_netfilter",
  };
}

function legacyFirewall({ legacyFilter }: PreflightFacts): Check[] {
  if (!legacyFilter) return [];
  return [
    {
      name: "legacy-iptables",
      status: "warning",
      found: "rules of the old iptables are loaded; if they drop forwarded packets, nodes have no way out",
      fix: "iptables-legacy -S FORWARD; accept slipway-+ there, or move to iptables-nft",
    },
  ];
}

function nodeRange({ links, routes }: PreflightFacts, network: Network): Check {
  const bridge = bridgeName(network.cluster);
  const conflict = rangeConflict(network.nodeSubnet, bridge, links, routes);
  if (conflict === undefined) return ok("node-subnet", `${network.nodeSubnet} is free`);
  return {
    name: "node-subnet",
    status: "failed",
    found: `${network.nodeSubnet} overlaps ${conflict}`,
    fix: "choose another range for the nodes",
  };
}

function podRange({ links, routes }: PreflightFacts, network: Network): Check {
  const conflict = rangeConflict(network.podSubnet, bridgeName(network.cluster), links, routes);
  if (conflict === undefined) return ok("pod-subnet", `${network.podSubnet} is free`);
  return {
    name: "pod-subnet",
    status: "warning",
    found: `${network.podSubnet} overlaps ${conflict}, which pods then cannot reach`,
    fix: "choose another range for the pods: --pod-cidr",
  };
}

/** Bridges of ours whose cluster is not in this state directory: of a deleted one, or of another user's. */
function leftovers({ links, clusters }: PreflightFacts): Check[] {
  return links.flatMap(({ ifname, ifalias }): Check[] => {
    const [brand, cluster] = (ifalias ?? "").split(" ");
    if (brand !== "slipway" || cluster === undefined || ifname !== bridgeName(cluster)) return [];
    if (clusters.includes(cluster)) return [];
    return [
      {
        name: "leftover",
        status: "warning",
        found: `interface ${ifname} of a cluster ${cluster} that is not kept here`,
        fix: `if nobody uses it: ip link delete ${ifname}; nft delete table ip ${ifname}`,
      },
    ];
  });
}
