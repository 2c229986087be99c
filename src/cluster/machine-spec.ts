import type { ClusterNetwork, MachineSpec } from "../machines/driver.js";
import { gatewayAddress } from "../plan/addresses.js";
import type { Material } from "../plan/material.js";
import { places } from "../plan/places.js";
import type { ClusterPlan, PlannedNode } from "../plan/plan.js";
import { sealNodeConfig } from "../plan/secrets.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import type { NodeSoftware } from "./software.js";

export const clusterNetwork = (spec: ClusterSpec): ClusterNetwork => ({
  cluster: spec.metadata.name,
  nodeSubnet: spec.network.nodeSubnet,
  gateway: gatewayAddress(spec),
  podSubnet: spec.network.podSubnet,
});

/**
 * The machine of a planned node, with its secrets put in.
 *
 * @param etcdData what a new machine's etcd starts from
 */
export function machineSpec(
  { spec }: ClusterPlan,
  node: PlannedNode,
  software: NodeSoftware,
  material: Material,
  etcdData?: string,
): MachineSpec {
  const wanted = spec.nodes.find(({ name }) => name === node.name);
  const isFirst = spec.nodes[0]?.name === node.name;
  return {
    cluster: spec.metadata.name,
    name: node.name,
    role: node.role,
    address: node.address,
    ...(spec.network.cni === "bridge" ? { podCidr: node.podCidr } : {}),
    layers: software.layers,
    config: sealNodeConfig(node.config, material),
    ...(wanted?.memoryBytes === undefined ? {} : { memoryBytes: wanted.memoryBytes }),
    ...(wanted?.cpus === undefined ? {} : { cpus: wanted.cpus }),
    mounts: spec.mounts,
    ports: isFirst ? spec.ports : [],
    volumes: [
      { path: places.containerdRoot, seed: software.containerdRoot },
      { path: places.kubeletRoot },
      ...(node.role === "control-plane"
        ? [{ path: places.etcdData, ...(etcdData === undefined ? {} : { seed: etcdData }) }]
        : []),
    ],
  };
}
