import { stringify } from "yaml";
import { commandLine } from "../command-line.js";
import type { KubeObject } from "../kube-object.js";
import { places } from "../places.js";
import { proxyConfiguration } from "../proxy.js";
import type { ComponentFile } from "./files.js";
import type { SelfhostedSettings } from "./settings.js";
import { filesSecret } from "./workloads.js";

const name = "kube-proxy";
const namespace = "kube-system";
const labels = { "k8s-app": name };
const files: ComponentFile[] = [{ path: "proxy.conf", contents: { secret: "kubeconfig/proxy" } }];

/** kube-proxy on every node, with the configuration that it has as a unit. */
export function proxyObjects({ spec, images }: SelfhostedSettings): KubeObject[] {
  return [
    filesSecret(name, files),
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
          metadata: { labels },
          spec: {
            hostNetwork: true,
            priorityClassName: "system-node-critical",
            tolerations: [{ operator: "Exists" }],
            nodeSelector: { "kubernetes.io/os": "linux" },
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            containers: [
              {
                name,
                image: images.proxy,
                imagePullPolicy: "IfNotPresent",
                command: commandLine(name, {
                  config: `${places.kubernetes}/proxy.yaml`,
                  "hostname-override": "$(NODE_NAME)",
                }),
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
                  defaultMode: 0o400,
                  sources: [
                    { secret: { name, items: [{ key: "proxy.conf", path: "proxy.conf" }] } },
                    { configMap: { name, items: [{ key: "proxy.yaml", path: "proxy.yaml" }] } },
                  ],
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
