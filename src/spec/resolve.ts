import { SlipwayError } from "../base/errors.js";
import { parseAddress } from "../net/address.js";
import { chooseAddons, defaultAddons } from "./addons.js";
import type { ClusterSpec } from "./cluster-spec.js";
import { componentOptions } from "./component-options.js";
import { checkApiServerPort, checkMounts, checkPorts } from "./cross-checks.js";
import { refuseChanges } from "./existing.js";
import { checkExtraConfig, checkFeatureGates, resolveExtraConfig } from "./extra-config.js";
import type { ResolveFacts } from "./facts.js";
import { resolveVersion } from "./kubernetes-version.js";
import { type Locate, nowhere, ProblemCollector } from "./problems.js";
import {
  checkMount,
  defaultHostAddress,
  type Mount,
  type PortMapping,
  parseMount,
  parsePortMapping,
} from "./publish.js";
import { memoryText } from "./quantity.js";
import { checkNetwork, refuseTakenSubnets, resolveNetwork } from "./resolve-network.js";
import { checkNodes, resolveNodes } from "./resolve-nodes.js";
import { apiVersion, type ClusterForm } from "./schema.js";

export const defaultProfile = "slipway";

/**
 * The complete spec of what the user asked for. A field that the form gives wins as a whole; a gap keeps what the existing
 * cluster has, and else takes the default.
 *
 * @param locate says where each field was written, for the messages.
 * @throws {SlipwayError} `CONFIG_INVALID` with every problem; `NETWORK_CONFLICT`; `MEMORY_SHORT`; `PROFILE_EXISTS` when the
 * form asks for a change that a cluster cannot make.
 */
export function resolveSpec(form: ClusterForm, facts: ResolveFacts, locate: Locate = nowhere): ClusterSpec {
  const problems = new ProblemCollector(locate);
  const { existing } = facts;
  const name = form.metadata?.name ?? existing?.metadata.name ?? defaultProfile;
  const kubernetesVersion =
    problems.try(["kubernetesVersion"], () =>
      form.kubernetesVersion === undefined
        ? (existing?.kubernetesVersion ?? resolveVersion(facts.defaultVersion, facts.supportedVersions))
        : resolveVersion(form.kubernetesVersion, facts.supportedVersions),
    ) ?? `v${facts.defaultVersion.replace(/^v/, "")}`;
  const nodes = resolveNodes(name, form, facts);
  const snapshots = form.snapshots ?? existing?.snapshots;
  const spec: ClusterSpec = {
    apiVersion,
    kind: "Cluster",
    metadata: { name },
    kubernetesVersion,
    driver: form.driver ?? existing?.driver ?? "sandbox",
    bootstrapper: form.bootstrapper ?? existing?.bootstrapper ?? "units",
    containerRuntime: form.containerRuntime ?? existing?.containerRuntime ?? "containerd",
    nodes,
    network: resolveNetwork(name, form, facts),
    apiServer: {
      port: form.apiServer?.port ?? existing?.apiServer.port ?? 6443,
      names: unique(form.apiServer?.names ?? existing?.apiServer.names ?? []),
      ips: unique((form.apiServer?.ips ?? existing?.apiServer.ips ?? []).map((ip) => parseAddress(ip).text)),
    },
    extraConfig: form.extraConfig ? resolveExtraConfig(form.extraConfig) : (existing?.extraConfig ?? {}),
    featureGates: { ...(form.featureGates ?? existing?.featureGates) },
    addons: chooseAddons(existing?.addons ?? defaultAddons, form.addons ?? []),
    images: unique(form.images ?? existing?.images ?? []),
    mounts: form.mounts?.map(mountOf) ?? existing?.mounts ?? [],
    ports: form.ports?.map(portOf) ?? existing?.ports ?? [],
    ...(snapshots ? { snapshots } : {}),
  };
  checkNodes(nodes, form, problems);
  checkNetwork(spec.network, nodes, problems);
  checkApiServerPort(spec, problems);
  const options = componentOptions(kubernetesVersion);
  if (options) {
    checkExtraConfig(form.extraConfig ?? spec.extraConfig, options, problems);
    checkFeatureGates(spec.featureGates, options, kubernetesVersion, problems);
  }
  checkMounts(spec.mounts, problems);
  checkPorts(spec, problems);
  problems.throwIfAny();
  if (existing) refuseChanges(existing, spec);
  else refuseTakenSubnets(spec.network, form, facts);
  refuseTooMuchMemory(spec, facts);
  return spec;
}

const unique = (values: readonly string[]): string[] => [...new Set(values)];

const mountOf = (mount: NonNullable<ClusterForm["mounts"]>[number]): Mount =>
  typeof mount === "string"
    ? parseMount(mount)
    : checkMount({ host: mount.host, node: mount.node, readOnly: mount.readOnly ?? false });

function portOf(port: NonNullable<ClusterForm["ports"]>[number]): PortMapping {
  if (typeof port === "string") return parsePortMapping(port);
  const { hostAddress = defaultHostAddress, hostPort, nodePort, protocol = "tcp" } = port;
  return { hostAddress: parseAddress(hostAddress).text, hostPort, nodePort, protocol };
}

function refuseTooMuchMemory({ nodes }: ClusterSpec, { hostMemoryBytes }: ResolveFacts): void {
  if (hostMemoryBytes === undefined) return;
  const largest = nodes.find(({ memoryBytes = 0 }) => memoryBytes > hostMemoryBytes);
  if (!largest) return;
  throw new SlipwayError(
    "MEMORY_SHORT",
    `node ${largest.name} asks for ${memoryText(largest.memoryBytes!)} of memory, and the host has ${memoryText(hostMemoryBytes)}`,
    { hint: "ask for less with --memory, or use --memory=max or no-limit" },
  );
}
