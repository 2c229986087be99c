import { stringify } from "yaml";
import type { IgnitionConfig, IgnitionFile } from "../../ignition/config.js";
import { encodeDataUrl } from "../../ignition/data-url.js";
import type { CertificateRequest } from "../../pki/certificate.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { apiEndpoint, controlPlaneNodes, endpointAddress } from "../addresses.js";
import { apiServerCertificate } from "../api-server-certificate.js";
import { imageNames, imageRepository } from "../images.js";
import type { KubeconfigRequest } from "../kubeconfig-request.js";
import { pki, places } from "../places.js";
import { secretSource } from "../secrets.js";
import { type BootstrapPod, bootstrapSecretsPath } from "./bootstrap.js";
import { checkpointerCertificate, checkpointerKubeconfig } from "./checkpointer.js";
import { selfhostedNames } from "./files.js";
import { bootstrapPort, clusterSettings, controlPlaneImages, type SelfhostedSettings } from "./settings.js";

/** The self-hosted control plane of a cluster whose machines slipway makes. */
export const selfhostedSettings = (spec: ClusterSpec): SelfhostedSettings =>
  clusterSettings(
    spec,
    {
      ...controlPlaneImages(spec.kubernetesVersion, imageRepository),
      checkpointer: imageNames.podCheckpointer,
    },
    pki("ca.key"),
  );

/** A Secret is the same on every node, and so is the certificate in it. */
export function selfhostedCertificates(spec: ClusterSpec): CertificateRequest[] {
  const nodes = controlPlaneNodes(spec);
  const endpoint = new URL(apiEndpoint(spec)).hostname;
  return [
    apiServerCertificate(spec, selfhostedNames.apiServer, [
      endpoint,
      // Of one control plane too: more can join it later.
      endpointAddress(spec),
      ...nodes.flatMap(({ name, address }) => [name, address]),
    ]),
    checkpointerCertificate,
  ];
}

export function selfhostedKubeconfigs(spec: ClusterSpec): KubeconfigRequest[] {
  const shared = apiEndpoint(spec);
  const bootstrap = `https://127.0.0.1:${bootstrapPort(spec)}`;
  const request = (name: string, component: string, server: string): KubeconfigRequest => ({
    name,
    certificate: component,
    user: `system:kube-${component}`,
    server,
  });
  return [
    request(selfhostedNames.controllerManager, "controller-manager", shared),
    request(selfhostedNames.scheduler, "scheduler", shared),
    request(selfhostedNames.bootstrapControllerManager, "controller-manager", bootstrap),
    request(selfhostedNames.bootstrapScheduler, "scheduler", bootstrap),
    checkpointerKubeconfig(spec),
  ];
}

/** A node's config with the bootstrap control plane in it, for the first boot of a cluster's first machine. */
export function withBootstrap(config: IgnitionConfig, pods: readonly BootstrapPod[]): IgnitionConfig {
  const files = pods.flatMap(({ file, pod, files }): IgnitionFile[] => [
    inline(`${places.manifests}/${file}`, stringify(pod)),
    ...files.map(
      ({ path, contents }): IgnitionFile =>
        "secret" in contents
          ? {
              path: `${bootstrapSecretsPath}/${path}`,
              mode: 0o600,
              overwrite: true,
              contents: secretSource(contents.secret),
            }
          : inline(`${bootstrapSecretsPath}/${path}`, contents.text),
    ),
  ]);
  return {
    ...config,
    storage: {
      ...config.storage,
      directories: [...(config.storage?.directories ?? []), { path: bootstrapSecretsPath, mode: 0o700 }],
      files: [...(config.storage?.files ?? []), ...files],
    },
  };
}

const inline = (path: string, contents: string): IgnitionFile => ({
  path,
  mode: 0o600,
  overwrite: true,
  contents: { source: encodeDataUrl(contents) },
});
