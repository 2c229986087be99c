import type { ClusterSpec } from "../spec/cluster-spec.js";
import type { NodeAddress } from "./addresses.js";
import type { KubeObject } from "./kube-object.js";

const roleLabel = (role: NodeAddress["role"]): string => `node-role.kubernetes.io/${role}`;

/** On a Node: the control plane's own pods run there. */
export const controlPlaneLabel = roleLabel("control-plane");

/**
 * The Node, made before its kubelet registers: the kubelet may set neither a role label nor a taint on itself
 * (NodeRestriction), and the pod CIDR follows from the plan, not from who came first. The kubelet finds the object and
 * fills in the rest.
 */
export function nodeObject(spec: ClusterSpec, node: NodeAddress): KubeObject {
  const wanted = spec.nodes.find(({ name }) => name === node.name);
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: node.name,
      labels: { [roleLabel(node.role)]: "", ...wanted?.labels },
    },
    spec: {
      podCIDR: node.podCidr,
      podCIDRs: [node.podCidr],
      ...(wanted && wanted.taints.length > 0 ? { taints: wanted.taints } : {}),
    },
  };
}
