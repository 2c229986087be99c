import type { ClusterSpec } from "../spec/cluster-spec.js";
import { dnsServiceAddress, type NodeAddress } from "./addresses.js";
import { type Flags, gatesField, splitExtraConfig, withOverrides } from "./command-line.js";
import type { PlatformFacts } from "./facts.js";
import { kubeconfigPath, pki, places } from "./places.js";

export const kubeletConfigPath = `${places.kubernetes}/kubelet.yaml`;

/** The disk is the host's: its fill says little of this cluster, and evicting pods over it helps nobody. */
export const onDiskOfHost = {
  evictionHard: { "memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
  imageGCHighThresholdPercent: 100,
  imageGCLowThresholdPercent: 99,
};

/** A KubeletConfiguration (kubelet.config.k8s.io/v1beta1). */
export function kubeletConfiguration(
  spec: ClusterSpec,
  node: NodeAddress,
  facts: PlatformFacts,
): Record<string, unknown> {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: pki("ca.crt") },
    },
    authorization: { mode: "Webhook" },
    readOnlyPort: 0,
    tlsCertFile: pki("kubelet.crt"),
    tlsPrivateKeyFile: pki("kubelet.key"),
    rotateCertificates: true,
    clusterDNS: [dnsServiceAddress(spec)],
    clusterDomain: spec.network.dnsDomain,
    ...(facts.cgroupVersion === 1
      ? { cgroupDriver: "cgroupfs", failCgroupV1: false }
      : { cgroupDriver: "systemd" }),
    enforceNodeAllocatable: [],
    failSwapOn: false,
    containerRuntimeEndpoint: `unix://${places.containerdSocket}`,
    staticPodPath: places.manifests,
    resolvConf: "/etc/resolv.conf",
    makeIPTablesUtilChains: true,
    eventRecordQPS: 50,
    serializeImagePulls: false,
    ...onDiskOfHost,
    ...gatesField(spec, "kubelet"),
    shutdownGracePeriod: "0s",
    address: node.address,
    healthzBindAddress: "127.0.0.1",
    ...splitExtraConfig(spec, "kubelet").fields,
  };
}

export function kubeletFlags(spec: ClusterSpec, node: NodeAddress): Flags {
  return withOverrides(
    {
      config: kubeletConfigPath,
      kubeconfig: kubeconfigPath("kubelet"),
      "hostname-override": node.name,
      "node-ip": node.address,
    },
    splitExtraConfig(spec, "kubelet").flags,
  );
}
