import type { ClusterSpec } from "../spec/cluster-spec.js";
import type { NodeAddress } from "./addresses.js";
import { type Flags, gatesField, splitExtraConfig, withOverrides } from "./command-line.js";
import { kubeconfigPath, places } from "./places.js";

export const proxyConfigPath = `${places.kubernetes}/proxy.yaml`;

/** A KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1). */
export function proxyConfiguration(spec: ClusterSpec): Record<string, unknown> {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clusterCIDR: spec.network.podSubnet,
    clientConnection: { kubeconfig: kubeconfigPath("proxy") },
    // The conntrack sysctls belong to the host and are read-only in a sandbox.
    conntrack: { maxPerCore: 0 },
    // A change of Services is programmed at once and not up to a second later.
    nftables: { minSyncPeriod: "50ms" },
    metricsBindAddress: "127.0.0.1:10249",
    healthzBindAddress: "127.0.0.1:10256",
    ...gatesField(spec, "proxy"),
    ...splitExtraConfig(spec, "proxy").fields,
  };
}

export const proxyFlags = (spec: ClusterSpec, node: NodeAddress): Flags =>
  withOverrides(
    { config: proxyConfigPath, "hostname-override": node.name },
    splitExtraConfig(spec, "proxy").flags,
  );
