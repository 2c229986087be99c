import { stringify } from "yaml";
import { commandLine } from "../command-line.js";
import type { KubeObject } from "../kube-object.js";
import { kubeconfigPath, places } from "../places.js";
import { proxyConfigPath, proxyConfiguration } from "../proxy.js";
import type { SelfhostedSettings } from "./settings.js";

const name = "kube-proxy";
const namespace = "kube-system";
const labels = { "k8s-app": name };
const tokenDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";

const endpointAnnotation = "slipway.dev/api-endpoint";

export const inClusterKubeconfigName = "kubeconfig-in-cluster";

/**
 * How pods reach the API by its own address, with their service account: for those who must not wait for Services.
 * Bootkube's name.
 */
export const inClusterKubeconfig = ({ endpoint }: SelfhostedSettings): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: inClusterKubeconfigName, namespace },
  data: {
    kubeconfig: stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "local",
          cluster: { server: endpoint, "certificate-authority": `${tokenDirectory}/ca.crt` },
        },
      ],
      users: [{ name: "service-account", user: { tokenFile: `${tokenDirectory}/token` } }],
      contexts: [{ name: "service-account", context: { cluster: "local", user: "service-account" } }],
      "current-context": "service-account",
    }),
  },
});

/** kube-proxy on every node, with the configuration that it has as a unit. */
export function proxyObjects(settings: SelfhostedSettings): KubeObject[] {
  const { spec, images } = settings;
  const file = (path: string, configMap: string, key: string) => ({
    path: path.slice(places.kubernetes.length + 1),
    configMap,
    key,
  });
  const files = [
    file(proxyConfigPath, name, "proxy.yaml"),
    file(kubeconfigPath("proxy"), inClusterKubeconfigName, "kubeconfig"),
  ];
  return [
    inClusterKubeconfig(settings),
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace, labels } },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name, labels },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "system:node-proxier" },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace, labels },
      data: { "proxy.yaml": stringify(proxyConfiguration(spec)) },
    },
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name, namespace, labels },
      spec: {
        selector: { matchLabels: labels },
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
        template: {
          // Its kubeconfig is read once: another endpoint is another pod.
          metadata: { labels, annotations: { [endpointAnnotation]: settings.endpoint } },
          spec: {
            serviceAccountName: name,
            hostNetwork: true,
            priorityClassName: "system-node-critical",
            tolerations: [{ operator: "Exists" }],
            nodeSelector: { "kubernetes.io/os": "linux" },
            enableServiceLinks: false,
            containers: [
              {
                name,
                image: images.proxy,
                imagePullPolicy: "IfNotPresent",
                command: commandLine(name, { config: proxyConfigPath, "hostname-override": "$(NODE_NAME)" }),
                env: [{ name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
                // nftables and conntrack of the host.
                securityContext: { privileged: true },
                volumeMounts: [
                  { name: "files", mountPath: places.kubernetes, readOnly: true },
                  { name: "modules", mountPath: "/lib/modules", readOnly: true },
                ],
              },
            ],
            volumes: [
              {
                name: "files",
                projected: {
                  sources: files.map(({ path, configMap, key }) => ({
                    configMap: { name: configMap, items: [{ key, path }] },
                  })),
                },
              },
              { name: "modules", hostPath: { path: "/lib/modules", type: "DirectoryOrCreate" } },
            ],
          },
        },
      },
    },
  ];
}
