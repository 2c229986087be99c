import { resolve } from "node:path";
import { SlipwayError } from "../base/errors.js";
import { addressCount, overlaps, parseCidr, podCidrPrefixLength, subnetCount } from "../net/cidr.js";
import { controlPlaneCount, type NetworkSpec, type NodeSpec } from "./cluster-spec.js";
import { parseCni } from "./cni.js";
import type { ResolveFacts } from "./facts.js";
import type { ProblemCollector } from "./problems.js";
import type { ClusterForm } from "./schema.js";
import {
  type Candidates,
  firstFree,
  nodeSubnetCandidates,
  podSubnetCandidates,
  serviceSubnetCandidates,
  takenRanges,
} from "./subnets.js";

type SubnetName = "nodeSubnet" | "podSubnet" | "serviceSubnet";

const subnetFlags: Record<SubnetName, string> = {
  nodeSubnet: "network.nodeSubnet in the cluster's file",
  podSubnet: "--pod-cidr",
  serviceSubnet: "--service-cluster-ip-range",
};

/**
 * The networks of a cluster: what the form gives, then what the cluster has, then the first that is free.
 *
 * @throws {SlipwayError} `NETWORK_CONFLICT` when no candidate is free.
 */
export function resolveNetwork(profile: string, form: ClusterForm, facts: ResolveFacts): NetworkSpec {
  const given = form.network ?? {};
  const existing = facts.existing?.network;
  const taken = takenRanges(existing ? [] : facts.takenSubnets);
  const explicit = (name: SubnetName) =>
    (given[name] === "auto" ? undefined : given[name]) ?? existing?.[name];

  const chosen: Record<SubnetName, string | undefined> = {
    nodeSubnet: explicit("nodeSubnet"),
    podSubnet: explicit("podSubnet"),
    serviceSubnet: explicit("serviceSubnet"),
  };
  const candidates: Record<SubnetName, () => Candidates> = {
    nodeSubnet: () => nodeSubnetCandidates(profile),
    podSubnet: podSubnetCandidates,
    serviceSubnet: serviceSubnetCandidates,
  };
  for (const name of ["nodeSubnet", "podSubnet", "serviceSubnet"] as const) {
    const others = Object.values(chosen).filter((range) => range !== undefined);
    chosen[name] ??= firstFree(candidates[name], taken, others) ?? noneFree(name);
  }
  return {
    cni: resolveCni(given.cni, facts) ?? existing?.cni ?? "bridge",
    podSubnet: chosen.podSubnet!,
    serviceSubnet: chosen.serviceSubnet!,
    nodeSubnet: chosen.nodeSubnet!,
    dnsDomain: given.dnsDomain ?? existing?.dnsDomain ?? "cluster.local",
  };
}

function resolveCni(
  given: string | undefined,
  { workingDirectory = "/" }: ResolveFacts,
): NetworkSpec["cni"] | undefined {
  if (given === undefined) return undefined;
  const cni = parseCni(given);
  return typeof cni === "string" ? cni : { manifest: resolve(workingDirectory, cni.manifest) };
}

/**
 * Refuses networks that were given and that the host uses for something else. Services are seen inside the nodes only, so
 * that two clusters may have the same.
 *
 * @throws {SlipwayError} `NETWORK_CONFLICT`
 */
export function refuseTakenSubnets(
  network: NetworkSpec,
  form: ClusterForm,
  { takenSubnets }: ResolveFacts,
): void {
  const { narrow } = takenRanges(takenSubnets);
  for (const name of ["nodeSubnet", "podSubnet"] as const) {
    const other = narrow.find((range) => overlaps(range, network[name]));
    if (!other || form.network?.[name] === undefined) continue;
    throw new SlipwayError(
      "NETWORK_CONFLICT",
      `network.${name} ${network[name]} overlaps ${other.text}, which this host uses`,
      { hint: `give another range with ${subnetFlags[name]}, or leave it out, so that a free one is taken` },
    );
  }
}

function noneFree(name: SubnetName): never {
  throw new SlipwayError(
    "NETWORK_CONFLICT",
    `every range that slipway would take for network.${name} is in use on this host`,
    {
      hint: `give a free one with ${subnetFlags[name]}`,
    },
  );
}

/** What must hold between the networks, and between them and the nodes. */
export function checkNetwork(
  network: NetworkSpec,
  nodes: readonly NodeSpec[],
  problems: ProblemCollector,
): void {
  const names = ["podSubnet", "serviceSubnet", "nodeSubnet"] as const;
  for (const [i, name] of names.entries()) {
    for (const other of names.slice(0, i)) {
      if (overlaps(network[name], network[other])) {
        problems.add(["network", name], `${network[name]} overlaps the ${other} ${network[other]}`);
      }
    }
  }
  const places = Math.max(...nodes.map(({ index }) => index)) + 1;
  // Network, host and broadcast, and the endpoint of several control planes.
  const reserved = controlPlaneCount(nodes) > 1 ? 4 : 3;
  const addresses = Number(addressCount(network.nodeSubnet)) - reserved;
  if (addresses < places) {
    problems.add(
      ["network", "nodeSubnet"],
      `${network.nodeSubnet} has room for ${Math.max(0, addresses)} nodes, and ${places} are needed`,
    );
  }
  const podRanges = subnetCount(network.podSubnet, podCidrPrefixLength(4));
  if (podRanges < places) {
    problems.add(
      ["network", "podSubnet"],
      `${network.podSubnet} has room for ${podRanges} nodes with a /24 each, and ${places} are needed`,
    );
  }
  const pods = parseCidr(network.podSubnet);
  if (pods.prefixLength < 8) {
    // kube-controller-manager: the node mask may be at most 16 bits longer than the cluster's
    problems.add(["network", "podSubnet"], `${network.podSubnet} is too large; the largest is a /8`);
  }
  const services = parseCidr(network.serviceSubnet);
  if (services.prefixLength < 12 || services.prefixLength > 28) {
    // /12: kube-apiserver's limit; /28: the DNS Service has address number 10
    problems.add(
      ["network", "serviceSubnet"],
      `${network.serviceSubnet} is too ${services.prefixLength < 12 ? "large; the largest is a /12" : "small; the smallest is a /28"}`,
    );
  }
}
