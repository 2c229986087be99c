import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { apiEndpoint, controlPlaneNodes, isHighlyAvailable } from "../addresses.js";

/** What a self-hosted control plane follows from, whoever boots its machines. */
export interface SelfhostedSettings {
  spec: ClusterSpec;
  /** Where pods and nodes reach the API: `https://10.77.0.2:6443`. */
  endpoint: string;
  /** As the API servers see them: `https://127.0.0.1:2379` where etcd is on every control-plane node. */
  etcdServers: string[];
  /** How many control-plane nodes there are. */
  controlPlanes: number;
  images: SelfhostedImages;
  /** On control-plane nodes; the authority's key is in no Secret. */
  caKeyPath: string;
  /** Nodes get their pod CIDRs from the controller manager; where slipway makes them, from the plan. */
  allocateNodeCidrs: boolean;
}

export interface SelfhostedImages {
  apiServer: string;
  controllerManager: string;
  scheduler: string;
  proxy: string;
  checkpointer: string;
}

/** The images of a Kubernetes version, under a registry and path. */
export const controlPlaneImages = (
  kubernetesVersion: string,
  repository: string,
): Omit<SelfhostedImages, "checkpointer"> => ({
  apiServer: `${repository}/kube-apiserver:${kubernetesVersion}`,
  controllerManager: `${repository}/kube-controller-manager:${kubernetesVersion}`,
  scheduler: `${repository}/kube-scheduler:${kubernetesVersion}`,
  proxy: `${repository}/kube-proxy:${kubernetesVersion}`,
});

/** The bootstrap control plane's API server: beside the port of the one that takes over. */
export const bootstrapPort = (spec: ClusterSpec): number => spec.apiServer.port + 1;

/** Of the others of it: beside those of copies that run meanwhile. */
export const bootstrapPorts = { controllerManager: 10_267, scheduler: 10_269 } as const;

/**
 * Where a node reaches the API server that has the cluster's own port, whatever else it is redirected to while a cluster is
 * bootstrapped: an address of its loopback (127.0.0.0/8) that nobody else calls.
 */
export const ownApiServerHost = "127.0.0.2";

/** The same for one of several, which has its node's address alone: haproxy has those of the loopback. */
export const ownApiServerAddress = (spec: ClusterSpec, nodeAddress: string): string =>
  isHighlyAvailable(spec) ? nodeAddress : ownApiServerHost;

/** Settings of a cluster that slipway makes the machines of: etcd on every control-plane node. */
export const clusterSettings = (
  spec: ClusterSpec,
  images: SelfhostedImages,
  caKeyPath: string,
): SelfhostedSettings => ({
  spec,
  endpoint: apiEndpoint(spec),
  etcdServers: ["https://127.0.0.1:2379"],
  controlPlanes: controlPlaneNodes(spec).length,
  images,
  caKeyPath,
  allocateNodeCidrs: false,
});
