import type { ClusterSpec } from "../spec/cluster-spec.js";
import { featureGatesOf } from "../spec/extra-config.js";
import { controlPlaneNodes, isHighlyAvailable, type NodeAddress } from "./addresses.js";
import { type Flags, withOverrides } from "./command-line.js";
import { kubeconfigPath, pki, places } from "./places.js";

/**
 * The flags of the control plane's components: said once, for every bootstrapper. Paths are the node's, and the same
 * inside a static or self-hosted pod.
 */

/** A member alone beats faster than one of several; `src/cluster/etcd-timing.ts` brings a running one from that to this. */
export const etcdTiming = ["heartbeat-interval", "election-timeout"] as const;

export function etcdFlags(spec: ClusterSpec, node: NodeAddress): Flags {
  const members = controlPlaneNodes(spec);
  const peer = (member: NodeAddress) => `https://${member.address}:2380`;
  return withOverrides(
    {
      name: node.name,
      "data-dir": places.etcdData,
      "listen-client-urls": [`https://127.0.0.1:2379`, `https://${node.address}:2379`],
      "advertise-client-urls": `https://${node.address}:2379`,
      "listen-peer-urls": peer(node),
      "initial-advertise-peer-urls": peer(node),
      "initial-cluster": members.map((member) => `${member.name}=${peer(member)}`),
      "initial-cluster-token": `slipway-${spec.metadata.name}`,
      // The first members start from data that were restored as theirs; one that has none joins them, or waits.
      ...(members.length === 1 ? {} : { "initial-cluster-state": "existing" }),
      "listen-metrics-urls": "http://127.0.0.1:2381",
      "cert-file": pki("etcd/server.crt"),
      "key-file": pki("etcd/server.key"),
      "trusted-ca-file": pki("etcd/ca.crt"),
      "client-cert-auth": true,
      "peer-cert-file": pki("etcd/peer.crt"),
      "peer-key-file": pki("etcd/peer.key"),
      "peer-trusted-ca-file": pki("etcd/ca.crt"),
      "peer-client-cert-auth": true,
      // A member alone has nobody to wait for (shorter beats wake an idle machine too often); with others, upstream's defaults.
      ...(members.length === 1 ? { "heartbeat-interval": 30, "election-timeout": 150 } : {}),
      "snapshot-count": 10000,
    },
    spec.extraConfig.etcd,
  );
}

export function apiServerFlags(spec: ClusterSpec, node: NodeAddress): Flags {
  return withOverrides(
    {
      "advertise-address": node.address,
      ...(isHighlyAvailable(spec) ? behindEndpoint(node) : {}),
      "secure-port": spec.apiServer.port,
      "allow-privileged": true,
      // Anonymous requests may ask for the health paths and nothing else (AuthenticationConfiguration, KEP-4633).
      "authentication-config": `${places.kubernetes}/authentication.yaml`,
      "authorization-mode": ["Node", "RBAC"],
      "enable-admission-plugins": "NodeRestriction",
      "enable-bootstrap-token-auth": true,
      profiling: false,
      "client-ca-file": pki("ca.crt"),
      "tls-cert-file": pki("apiserver.crt"),
      "tls-private-key-file": pki("apiserver.key"),
      "etcd-servers": "https://127.0.0.1:2379",
      "etcd-cafile": pki("etcd/ca.crt"),
      "etcd-certfile": pki("apiserver-etcd-client.crt"),
      "etcd-keyfile": pki("apiserver-etcd-client.key"),
      "encryption-provider-config": `${places.kubernetes}/encryption.yaml`,
      "kubelet-certificate-authority": pki("ca.crt"),
      "kubelet-client-certificate": pki("apiserver-kubelet-client.crt"),
      "kubelet-client-key": pki("apiserver-kubelet-client.key"),
      "kubelet-preferred-address-types": ["InternalIP", "Hostname"],
      "proxy-client-cert-file": pki("front-proxy-client.crt"),
      "proxy-client-key-file": pki("front-proxy-client.key"),
      "requestheader-allowed-names": "front-proxy-client",
      "requestheader-client-ca-file": pki("front-proxy-ca.crt"),
      "requestheader-extra-headers-prefix": "X-Remote-Extra-",
      "requestheader-group-headers": "X-Remote-Group",
      "requestheader-username-headers": "X-Remote-User",
      "service-account-issuer": `https://kubernetes.default.svc.${spec.network.dnsDomain}`,
      "service-account-key-file": pki("sa.pub"),
      "service-account-signing-key-file": pki("sa.key"),
      "service-account-extend-token-expiration": false,
      "service-cluster-ip-range": spec.network.serviceSubnet,
      "audit-policy-file": `${places.kubernetes}/audit-policy.yaml`,
      "audit-log-path": places.auditLog,
      "audit-log-maxage": 30,
      "audit-log-maxbackup": 10,
      "audit-log-maxsize": 100,
    },
    spec.extraConfig.apiserver,
    featureGatesOf(spec, "apiserver"),
  );
}

/**
 * What lets the endpoint (endpoint.ts) send clients elsewhere before an API server ends: it says so at /readyz, serves on, and
 * asks those that come all the same to try again. 127.0.0.1 is the endpoint's.
 */
const behindEndpoint = ({ address }: NodeAddress): Flags => ({
  "bind-address": address,
  "shutdown-delay-duration": "2s",
  "shutdown-send-retry-after": true,
});

export function controllerManagerFlags(spec: ClusterSpec, { single }: { single: boolean }): Flags {
  const kubeconfig = kubeconfigPath("controller-manager");
  return withOverrides(
    {
      kubeconfig,
      "authentication-kubeconfig": kubeconfig,
      "authorization-kubeconfig": kubeconfig,
      "bind-address": "127.0.0.1",
      profiling: false,
      // Each node's pod CIDR follows from its place in the plan, and is set with the Node object.
      "allocate-node-cidrs": false,
      "cluster-cidr": spec.network.podSubnet,
      "service-cluster-ip-range": spec.network.serviceSubnet,
      "cluster-signing-cert-file": pki("ca.crt"),
      "cluster-signing-key-file": pki("ca.key"),
      "client-ca-file": pki("ca.crt"),
      "requestheader-client-ca-file": pki("front-proxy-ca.crt"),
      "root-ca-file": pki("ca.crt"),
      "service-account-private-key-file": pki("sa.key"),
      "use-service-account-credentials": true,
      controllers: ["*", "bootstrapsigner", "tokencleaner"],
      "leader-elect": !single,
      // The default of 20 requests a second costs five seconds at start, when every controller begins at once.
      "kube-api-qps": 500,
      "kube-api-burst": 1000,
    },
    spec.extraConfig["controller-manager"],
    featureGatesOf(spec, "controller-manager"),
  );
}

export function schedulerFlags(spec: ClusterSpec, { single }: { single: boolean }): Flags {
  const kubeconfig = kubeconfigPath("scheduler");
  return withOverrides(
    {
      kubeconfig,
      "authentication-kubeconfig": kubeconfig,
      "authorization-kubeconfig": kubeconfig,
      "bind-address": "127.0.0.1",
      profiling: false,
      "leader-elect": !single,
      "kube-api-qps": 500,
      "kube-api-burst": 1000,
    },
    spec.extraConfig.scheduler,
    featureGatesOf(spec, "scheduler"),
  );
}
