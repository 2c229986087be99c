import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { apiEndpoint } from "../addresses.js";
import { imageNames } from "../images.js";
import type { KubeObject } from "../kube-object.js";
import { places } from "../places.js";

const namespace = "kube-flannel";
const labels = { "k8s-app": "flannel" };
/** flannel's VXLAN device carries its VNI in its name, 1 unless configured (pkg/backend/vxlan). */
const device = "flannel.1";

/** Where flannel's DaemonSet is, for those who wait for it. */
export const flannelDaemonSet = { namespace, name: "kube-flannel-ds" } as const;

/**
 * flannel: a VXLAN between the nodes. Each node's part of the pod network is the `podCIDR` of its Node, which the plan
 * sets. Names are upstream's, so that its own manifest can be applied over these objects later.
 */
export function flannelObjects(spec: ClusterSpec): KubeObject[] {
  const account = { kind: "ServiceAccount", name: "flannel", namespace };
  return [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: namespace,
        labels: { ...labels, "pod-security.kubernetes.io/enforce": "privileged" },
      },
    },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "flannel", namespace, labels } },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "flannel", labels },
      rules: [
        { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] },
        { apiGroups: [""], resources: ["nodes/status"], verbs: ["patch"] },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "flannel", labels },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "flannel" },
      subjects: [account],
    },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "kube-flannel-cfg", namespace, labels },
      data: {
        "net-conf.json": JSON.stringify({
          Network: spec.network.podSubnet,
          // As kube-proxy; the iptables mode also needs the module br_netfilter.
          EnableNFTables: true,
          Backend: { Type: "vxlan" },
        }),
      },
    },
    daemonSet(spec),
  ];
}

function daemonSet(spec: ClusterSpec): KubeObject {
  const api = new URL(apiEndpoint(spec));
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: flannelDaemonSet.name, namespace, labels },
    spec: {
      selector: { matchLabels: { app: "flannel" } },
      template: {
        metadata: { labels: { ...labels, app: "flannel" } },
        spec: {
          serviceAccountName: "flannel",
          hostNetwork: true,
          priorityClassName: "system-node-critical",
          tolerations: [{ operator: "Exists" }],
          nodeSelector: { "kubernetes.io/os": "linux" },
          containers: [
            {
              name: "kube-flannel",
              image: imageNames.flannel,
              imagePullPolicy: "IfNotPresent",
              command: ["/opt/bin/flanneld"],
              args: ["--ip-masq", "--kube-subnet-mgr"],
              env: [
                { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
                // The API by its own address: the network must not have to wait for Services.
                { name: "KUBERNETES_SERVICE_HOST", value: api.hostname },
                { name: "KUBERNETES_SERVICE_PORT", value: api.port },
              ],
              resources: { requests: { cpu: "100m", memory: "50Mi" } },
              // The device is there once flanneld has joined the network. Looked for until then, and never after.
              startupProbe: {
                exec: { command: ["test", "-e", `/sys/class/net/${device}`] },
                periodSeconds: 1,
                failureThreshold: 300,
              },
              securityContext: {
                allowPrivilegeEscalation: false,
                capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
                readOnlyRootFilesystem: true,
                seccompProfile: { type: "RuntimeDefault" },
              },
              volumeMounts: [
                { name: "run", mountPath: places.flannelRun },
                { name: "config", mountPath: "/etc/kube-flannel", readOnly: true },
              ],
            },
          ],
          volumes: [
            { name: "run", hostPath: { path: places.flannelRun, type: "DirectoryOrCreate" } },
            { name: "config", configMap: { name: "kube-flannel-cfg" } },
          ],
        },
      },
    },
  };
}
