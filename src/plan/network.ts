import { parseCidr } from "../net/cidr.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { addressIn, type NodeAddress } from "./addresses.js";
import { places } from "./places.js";

/** A file of a node's pod network. */
interface NetworkFile {
  path: string;
  contents: string;
  mode: number;
}

/**
 * What a node has of its pod network from the start, so that it is Ready as soon as its kubelet is. Nothing when the
 * network comes from a manifest, or from nobody.
 */
export function networkFiles(spec: ClusterSpec, node: NodeAddress): NetworkFile[] {
  if (spec.network.cni === "bridge") {
    return [
      { path: `${places.cniConfig}/10-slipway.conflist`, contents: bridgeConflist(node), mode: 0o600 },
      { path: "/etc/slipway/masquerade.nft", contents: masqueradeRules(spec), mode: 0o600 },
    ];
  }
  if (spec.network.cni === "flannel") {
    return [
      { path: `${places.cniConfig}/10-flannel.conflist`, contents: flannelConflist, mode: 0o600 },
      { path: "/etc/tmpfiles.d/flannel.conf", contents: flannelFirstLease(spec, node), mode: 0o644 },
    ];
  }
  return [];
}

/**
 * The CNI configuration of the `bridge` network: pods of a node on one bridge; the way to other nodes' pods is the
 * node's default route, since the host is the router. No masquerading here: `masqueradeRules` does it, and leaves the
 * traffic between pods alone.
 */
export const bridgeConflist = (node: NodeAddress): string =>
  JSON.stringify({
    cniVersion: "1.0.0",
    name: "slipway",
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isGateway: true,
        hairpinMode: true,
        ipam: { type: "host-local", ranges: [[{ subnet: node.podCidr }]], routes: [{ dst: "0.0.0.0/0" }] },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  });

/**
 * nftables rules: what pods send out of the pod network leaves under the node's address, since nobody outside has a
 * route back to a pod. Traffic between pods keeps its source (Kubernetes network model).
 */
export const masqueradeRules = (spec: ClusterSpec): string => `table ip slipway-masquerade
delete table ip slipway-masquerade
table ip slipway-masquerade {
  chain postrouting {
    type nat hook postrouting priority srcnat + 10; policy accept;
    ip saddr ${spec.network.podSubnet} ip daddr != ${spec.network.podSubnet} oifname != "cni0" masquerade
  }
}
`;

/** As upstream's: the plugin `flannel` reads the node's lease and hands the rest to `bridge`. */
const flannelConflist = JSON.stringify({
  cniVersion: "0.3.1",
  name: "cbr0",
  plugins: [
    { type: "flannel", delegate: { hairpinMode: true, isDefaultGateway: true } },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
});

/** Bytes that VXLAN puts around a packet: an Ethernet header, IPv4, UDP and its own (RFC 7348 §5). */
const vxlanOverhead = 50;

/**
 * The lease that flanneld will take, which follows from the plan, put into /run at boot (tmpfiles.d(5)); flanneld writes
 * its own over it. Without it, pods that come before flanneld fail, and the kubelet tries those again only 10 s later.
 */
function flannelFirstLease(spec: ClusterSpec, node: NodeAddress): string {
  const lines = [
    `FLANNEL_NETWORK=${spec.network.podSubnet}`,
    `FLANNEL_SUBNET=${addressIn(node.podCidr, 1)}/${parseCidr(node.podCidr).prefixLength}`,
    `FLANNEL_MTU=${1500 - vxlanOverhead}`,
    "FLANNEL_IPMASQ=true",
  ];
  return `f ${places.flannelRun}/subnet.env 0644 root root - ${lines.map((line) => `${line}\\n`).join("")}\n`;
}
