import type { CertificateRequest } from "../pki/certificate.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { metricsServerCertificate } from "./addons/metrics-server.js";
import { adminGroup } from "./addons/rbac.js";
import { endpointAddress, type NodeAddress } from "./addresses.js";
import { apiServerCertificate } from "./api-server-certificate.js";
import { selfhostedCertificates } from "./selfhosted/plan.js";

/** The three authorities of a cluster; nothing is signed across them. */
export const authorities = [
  { name: "cluster", commonName: "slipway-ca", file: "ca" },
  { name: "etcd", commonName: "slipway-etcd-ca", file: "etcd/ca" },
  { name: "front-proxy", commonName: "slipway-front-proxy-ca", file: "front-proxy-ca" },
] as const;

export const breakGlass = "break-glass";

/**
 * Every leaf certificate of a cluster. Usages and names are exact; only the break-glass one is in system:masters.
 * Names are those of kubeadm's files under /etc/kubernetes/pki, with the node's name where each node has its own.
 */
export function planCertificates(spec: ClusterSpec, nodes: NodeAddress[]): CertificateRequest[] {
  return [
    ...clientCertificates(),
    ...(spec.addons.includes(metricsServerCertificate.name) ? [metricsServerCertificate] : []),
    ...(spec.bootstrapper !== "units" ? selfhostedCertificates(spec) : []),
    ...nodes.flatMap((node) => nodeCertificates(spec, node)),
  ];
}

export function clientCertificates(): CertificateRequest[] {
  const client = (
    name: string,
    authority: CertificateRequest["authority"],
    commonName: string,
    organizations: string[] = [],
  ): CertificateRequest => ({
    name,
    authority,
    commonName,
    organizations,
    usages: ["client"],
    dnsNames: [],
    ips: [],
  });
  return [
    client("admin", "cluster", "slipway-admin", [adminGroup]),
    client(breakGlass, "cluster", "slipway-break-glass", ["system:masters"]),
    client("apiserver-kubelet-client", "cluster", "kube-apiserver-kubelet-client"),
    client("controller-manager", "cluster", "system:kube-controller-manager"),
    client("scheduler", "cluster", "system:kube-scheduler"),
    client("proxy", "cluster", "system:kube-proxy"),
    client("apiserver-etcd-client", "etcd", "kube-apiserver-etcd-client"),
    client("front-proxy-client", "front-proxy", "front-proxy-client"),
  ];
}

/** The certificates that are one node's own. */
export function nodeCertificates(spec: ClusterSpec, node: NodeAddress): CertificateRequest[] {
  const kubelet = { commonName: `system:node:${node.name}`, organizations: ["system:nodes"] };
  const requests: CertificateRequest[] = [
    {
      name: `kubelet-client/${node.name}`,
      authority: "cluster",
      ...kubelet,
      usages: ["client"],
      dnsNames: [],
      ips: [],
    },
    {
      name: `kubelet-server/${node.name}`,
      authority: "cluster",
      ...kubelet,
      usages: ["server"],
      dnsNames: [node.name],
      ips: [node.address],
    },
  ];
  if (node.role !== "control-plane") return requests;
  return [
    ...requests,
    // The endpoint of one control plane too: more can join it later.
    apiServerCertificate(spec, `apiserver/${node.name}`, [node.name, node.address, endpointAddress(spec)]),
    // etcd dials its own client port for its gRPC gateway with the server's, and its peers with the other.
    ...["server", "peer"].map(
      (role): CertificateRequest => ({
        name: `etcd/${role}/${node.name}`,
        authority: "etcd",
        commonName: node.name,
        organizations: [],
        usages: ["server", "client"],
        dnsNames: ["localhost", node.name],
        ips: ["127.0.0.1", node.address],
      }),
    ),
  ];
}
