import { addressCount, nthAddress, parseCidr, podCidrOfNode } from "../net/cidr.js";
import { type ClusterSpec, controlPlaneCount, type NodeSpec } from "../spec/cluster-spec.js";

/** A node with what follows from its place in the list. */
export interface NodeAddress {
  name: string;
  role: NodeSpec["role"];
  address: string;
  /** Its part of the pods' CIDR. */
  podCidr: string;
}

/** Node i (from 0) has host address i + 2 of the node subnet: 1 is the gateway. */
export function nodeAddresses(spec: ClusterSpec): NodeAddress[] {
  const podSubnet = parseCidr(spec.network.podSubnet);
  return spec.nodes.map((node) => ({
    name: node.name,
    role: node.role,
    address: addressIn(spec.network.nodeSubnet, node.index + 2),
    podCidr: podCidrOfNode(podSubnet, node.index),
  }));
}

/** Address number `n` of a CIDR given as text. */
export const addressIn = (cidr: string, n: number): string => nthAddress(parseCidr(cidr), n);

export const gatewayAddress = (spec: ClusterSpec): string => addressIn(spec.network.nodeSubnet, 1);
/** The Service of the API itself. */
export const apiServiceAddress = (spec: ClusterSpec): string => addressIn(spec.network.serviceSubnet, 1);
export const dnsServiceAddress = (spec: ClusterSpec): string => addressIn(spec.network.serviceSubnet, 10);

/** The last address before the broadcast address, kept free for the endpoint of several control planes. */
export const endpointAddress = (spec: ClusterSpec): string =>
  addressIn(spec.network.nodeSubnet, Number(addressCount(spec.network.nodeSubnet)) - 2);

export const controlPlaneNodes = (spec: ClusterSpec): NodeAddress[] =>
  nodeAddresses(spec).filter((node) => node.role === "control-plane");

/** Whether the API has an address of its own, which no node's loss takes (endpoint.ts). */
export const isHighlyAvailable = ({ nodes }: ClusterSpec): boolean => controlPlaneCount(nodes) > 1;

/** Where everybody but the control plane itself reaches the API. */
export const apiEndpoint = (spec: ClusterSpec): string =>
  spec.apiServer.endpoint ??
  `https://${isHighlyAvailable(spec) ? endpointAddress(spec) : controlPlaneNodes(spec)[0]?.address}:${spec.apiServer.port}`;
