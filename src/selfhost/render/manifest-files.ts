import type { KubeObject } from "../../plan/kube-object.js";
import { joinNames } from "../../plan/selfhosted/join.js";

/** The file of each object under manifests/, by kind and name: bootkube's names. */
const files: Record<string, string> = {
  "DaemonSet/kube-apiserver": "kube-apiserver",
  "Secret/kube-apiserver": "kube-apiserver-secret",
  "Deployment/kube-controller-manager": "kube-controller-manager",
  "Secret/kube-controller-manager": "kube-controller-manager-secret",
  "PodDisruptionBudget/kube-controller-manager": "kube-controller-manager-disruption",
  "ServiceAccount/kube-controller-manager": "kube-controller-manager-service-account",
  "ClusterRoleBinding/slipway:kube-controller-manager": "kube-controller-manager-role-binding",
  "Deployment/kube-scheduler": "kube-scheduler",
  "Secret/kube-scheduler": "kube-scheduler-secret",
  "PodDisruptionBudget/kube-scheduler": "kube-scheduler-disruption",
  "ServiceAccount/kube-scheduler": "kube-scheduler-service-account",
  "ClusterRoleBinding/slipway:kube-scheduler": "kube-scheduler-role-binding",
  "DaemonSet/kube-proxy": "kube-proxy",
  "ConfigMap/kube-proxy": "kube-proxy-config",
  "ServiceAccount/kube-proxy": "kube-proxy-sa",
  "ClusterRoleBinding/kube-proxy": "kube-proxy-role-binding",
  "ConfigMap/kubeconfig-in-cluster": "kubeconfig-in-cluster",
  "ClusterRole/system:coredns": "coredns-cluster-role",
  "ClusterRoleBinding/system:coredns": "coredns-cluster-role-binding",
  "ConfigMap/coredns": "coredns-config",
  "Deployment/coredns": "coredns-deployment",
  "ServiceAccount/coredns": "coredns-service-account",
  "Service/kube-dns": "coredns-service",
  "Namespace/kube-flannel": "flannel-namespace",
  "ConfigMap/kube-flannel-cfg": "flannel-cfg",
  "ClusterRole/flannel": "flannel-cluster-role",
  "ClusterRoleBinding/flannel": "flannel-cluster-role-binding",
  "ServiceAccount/flannel": "flannel-sa",
  "DaemonSet/kube-flannel-ds": "flannel",
  "DaemonSet/pod-checkpointer": "pod-checkpointer",
  "ServiceAccount/pod-checkpointer": "pod-checkpointer-sa",
  "Role/pod-checkpointer": "pod-checkpointer-role",
  "RoleBinding/pod-checkpointer": "pod-checkpointer-role-binding",
  "ClusterRole/pod-checkpointer": "pod-checkpointer-cluster-role",
  "ClusterRoleBinding/pod-checkpointer": "pod-checkpointer-cluster-role-binding",
  [`ClusterRoleBinding/${joinNames.bootstrap}`]: "csr-bootstrap-role-binding",
  [`ClusterRoleBinding/${joinNames.approver}`]: "csr-approver-role-binding",
  [`ClusterRoleBinding/${joinNames.renewal}`]: "csr-renewal-role-binding",
  "ClusterRoleBinding/slipway:cluster-admins": "kube-system-rbac-role-binding",
};

/** `kube-apiserver.yaml`; what bootkube did not have is called after its name and kind. */
export function manifestFile({ kind, metadata: { name } }: KubeObject): string {
  const known =
    files[`${kind}/${name}`] ?? (name.startsWith("bootstrap-token-") && "kubelet-bootstrap-token");
  return `${known || `${name.replaceAll(":", "-")}-${kind.toLowerCase()}`}.yaml`;
}
