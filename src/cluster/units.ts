/** The units that make a node part of a cluster. */
export const clusterUnits = [
  "containerd",
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubelet",
  "kube-proxy",
];

/** Those of the endpoint of several control planes. They hold no certificate. */
export const endpointUnits = ["haproxy", "keepalived"];
