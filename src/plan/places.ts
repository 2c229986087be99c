/** Where things are on a node. The layout of /etc/kubernetes is kubeadm's, so that tools and hands know it. */
export const places = {
  bin: "/usr/local/bin",
  cniBin: "/opt/cni/bin",
  cniConfig: "/etc/cni/net.d",
  flannelRun: "/run/flannel",
  kubernetes: "/etc/kubernetes",
  pki: "/etc/kubernetes/pki",
  manifests: "/etc/kubernetes/manifests",
  auditLog: "/var/log/kubernetes/audit.log",
  etcdData: "/var/lib/etcd",
  snapshots: "/var/lib/slipway/snapshots",
  containerdRoot: "/var/lib/containerd",
  kubeletRoot: "/var/lib/kubelet",
  containerdSocket: "/run/containerd/containerd.sock",
} as const;

export const pki = (name: string): string => `${places.pki}/${name}`;
export const kubeconfigPath = (name: string): string => `${places.kubernetes}/${name}.conf`;
