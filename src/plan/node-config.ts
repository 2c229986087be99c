import { stringify } from "yaml";
import type { IgnitionConfig, IgnitionDirectory, IgnitionFile, IgnitionUnit } from "../ignition/config.js";
import { encodeDataUrl } from "../ignition/data-url.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import type { NodeAddress } from "./addresses.js";
import { containerdConfig } from "./containerd.js";
import { endpointFiles } from "./endpoint.js";
import { metalFacts, type PlatformFacts } from "./facts.js";
import { kubeletConfigPath, kubeletConfiguration } from "./kubelet.js";
import { networkFiles } from "./network.js";
import { kubeconfigPath, pki, places } from "./places.js";
import { auditPolicy, authenticationConfiguration } from "./policy.js";
import { proxyConfigPath, proxyConfiguration } from "./proxy.js";
import { type SecretName, secretSource } from "./secrets.js";
import { staticPodFiles, staticPodsPath } from "./selfhosted/static.js";
import { encryptionKeyIdFile, snapshotScript, snapshotScriptText } from "./snapshot-schedule.js";
import { stopPodsPath, stopPodsScript } from "./stop-pods.js";
import { controlPlaneUnits, nodeUnits } from "./units.js";

/**
 * The NodeConfig of a node, with its secrets by name. Modes are those that the CIS benchmark
 * asks for: keys, kubeconfigs and configuration 0600, certificates 0644.
 */
export function planNodeConfig(
  spec: ClusterSpec,
  node: NodeAddress,
  hostFacts: PlatformFacts,
): IgnitionConfig {
  const controlPlane = node.role === "control-plane";
  const asUnits = spec.bootstrapper === "units";
  const metal = spec.nodes.some(({ name, metal }) => name === node.name && metal !== undefined);
  const facts = metal ? metalFacts(hostFacts) : hostFacts;
  const files: IgnitionFile[] = [
    // A sandbox gets its name from its driver.
    ...(metal ? [text("/etc/hostname", `${node.name}\n`, 0o644)] : []),
    text("/etc/containerd/config.toml", containerdConfig(facts), 0o644),
    text(kubeletConfigPath, stringify(kubeletConfiguration(spec, node, facts)), 0o600),
    text(stopPodsPath, stopPodsScript, 0o700),
    secret(kubeconfigPath("kubelet"), `kubeconfig/kubelet/${node.name}`, 0o600),
    ...(asUnits
      ? [
          text(proxyConfigPath, stringify(proxyConfiguration(spec)), 0o600),
          secret(kubeconfigPath("proxy"), "kubeconfig/proxy", 0o600),
        ]
      : []),
    secret(pki("ca.crt"), "pki/ca.crt", 0o644),
    ...keyPair(pki("kubelet"), `kubelet-server/${node.name}`),
    ...networkFiles(spec, node).map(({ path, contents, mode }) => text(path, contents, mode)),
    ...(controlPlane ? etcdFiles(spec, node) : []),
    ...(controlPlane && asUnits ? controlPlaneFiles(node) : []),
    ...(controlPlane && spec.bootstrapper === "static" ? staticPodFiles() : []),
    ...(controlPlane
      ? endpointFiles(spec, node).map(({ path, contents, mode }) => text(path, contents, mode))
      : []),
  ];
  const directories: IgnitionDirectory[] = [
    { path: places.manifests, mode: 0o700 },
    { path: places.cniConfig, mode: 0o700 },
    ...(controlPlane ? [{ path: "/var/log/kubernetes", mode: 0o700 }] : []),
    ...(controlPlane && spec.bootstrapper === "static" ? [{ path: staticPodsPath, mode: 0o700 }] : []),
  ];
  const units: IgnitionUnit[] = [
    ...nodeUnits(spec, node),
    ...(controlPlane ? controlPlaneUnits(spec, node) : []),
  ];
  return { ignition: { version: "3.4.0" }, storage: { directories, files }, systemd: { units } };
}

/** What etcd reads, and the authority's key, which never leaves the disks of control-plane nodes. */
function etcdFiles(spec: ClusterSpec, node: NodeAddress): IgnitionFile[] {
  return [
    text(snapshotScript, snapshotScriptText(spec, node), 0o700),
    secret(encryptionKeyIdFile, "encryption-key-id", 0o644),
    secret(pki("ca.key"), "pki/ca.key", 0o600),
    secret(pki("etcd/ca.crt"), "pki/etcd/ca.crt", 0o644),
    ...keyPair(pki("etcd/server"), `etcd/server/${node.name}`),
    ...keyPair(pki("etcd/peer"), `etcd/peer/${node.name}`),
    // For etcdctl and whoever restores.
    ...keyPair(pki("apiserver-etcd-client"), "apiserver-etcd-client"),
  ];
}

function controlPlaneFiles(node: NodeAddress): IgnitionFile[] {
  return [
    ...keyPair(pki("apiserver"), `apiserver/${node.name}`),
    ...keyPair(pki("apiserver-kubelet-client"), "apiserver-kubelet-client"),
    ...keyPair(pki("front-proxy-client"), "front-proxy-client"),
    secret(pki("front-proxy-ca.crt"), "pki/front-proxy-ca.crt", 0o644),
    secret(pki("sa.pub"), "pki/sa.pub", 0o644),
    secret(pki("sa.key"), "pki/sa.key", 0o600),
    secret(kubeconfigPath("controller-manager"), "kubeconfig/controller-manager", 0o600),
    secret(kubeconfigPath("scheduler"), "kubeconfig/scheduler", 0o600),
    secret(`${places.kubernetes}/encryption.yaml`, "encryption-config", 0o600),
    text(`${places.kubernetes}/authentication.yaml`, stringify(authenticationConfiguration), 0o600),
    text(`${places.kubernetes}/audit-policy.yaml`, stringify(auditPolicy), 0o600),
  ];
}

const text = (path: string, contents: string, mode: number): IgnitionFile => ({
  path,
  mode,
  overwrite: true,
  contents: { source: encodeDataUrl(contents) },
});

const secret = (path: string, name: SecretName, mode: number): IgnitionFile => ({
  path,
  mode,
  overwrite: true,
  contents: secretSource(name),
});

const keyPair = (path: string, certificate: string): IgnitionFile[] => [
  secret(`${path}.crt`, `pki/${certificate}.crt`, 0o644),
  secret(`${path}.key`, `pki/${certificate}.key`, 0o600),
];
