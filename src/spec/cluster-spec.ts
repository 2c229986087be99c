/**
 * What the user asks for, complete: every default filled in. `schema.ts` reads and checks the form with gaps.
 * `apiVersion: slipway.dev/v1alpha1`, `kind: Cluster`.
 */
export interface ClusterSpec {
  apiVersion: "slipway.dev/v1alpha1";
  kind: "Cluster";
  metadata: { name: string };
  /** With the `v`: `v1.36.3`. */
  kubernetesVersion: string;
  driver: "sandbox";
  /** Where the control plane lives: systemd units on its nodes, static pods, or Kubernetes objects. */
  bootstrapper: "units" | "static" | "selfhosted";
  containerRuntime: "containerd";
  nodes: NodeSpec[];
  network: NetworkSpec;
  apiServer: {
    port: number;
    /** Further subject alternative names of its certificate. */
    names: string[];
    ips: string[];
    /** Where everybody reaches the API, when that is not a node of ours: `https://api.example.com:6443`. */
    endpoint?: string;
  };
  /** Component → flag or configuration key → value, as `--extra-config component.key=value` gives them. */
  extraConfig: Partial<Record<ConfigurableComponent, Record<string, string>>>;
  featureGates: Record<string, boolean>;
  /** Names of the add-ons that are on, sorted. */
  addons: string[];
  /** Images that every node has from the start, beside those of the add-ons: names of image components, e.g. `agnhost`. */
  images: string[];
  /** Host paths that every node sees. */
  mounts: { host: string; node: string; readOnly: boolean }[];
  /** Ports of the first control-plane node that the host publishes. */
  ports: { hostAddress: string; hostPort: number; nodePort: number; protocol: "tcp" | "udp" }[];
  /** Snapshots that control-plane nodes take by themselves; undefined: none. */
  snapshots?: SnapshotSchedule;
}

export interface SnapshotSchedule {
  /** As `parseDuration` reads it: `6h`. */
  every: string;
  /** How many each node keeps. */
  keep: number;
}

export interface NodeSpec {
  name: string;
  /** A machine of its own, that boots the netboot image; undefined: a sandbox of this host. */
  metal?: MetalSpec;
  /**
   * Its place, from 0, from which its address and pod CIDR follow. Given once (resolve.ts) and never again while it is in
   * use: deleting a node does not move the others, and a new one takes the lowest free place.
   */
  index: number;
  role: "control-plane" | "worker";
  /** Bytes; undefined: no limit. */
  memoryBytes?: number;
  /** undefined: no limit. */
  cpus?: number;
  labels: Record<string, string>;
  taints: { key: string; value?: string; effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute" }[];
}

export const controlPlaneCount = (nodes: readonly Pick<NodeSpec, "role">[]): number =>
  nodes.filter(({ role }) => role === "control-plane").length;

export interface MetalSpec {
  /** Of the network card that it boots from: lower case, with colons. */
  mac: string;
  /** Absolute path of the file that gets its Ignition config, secrets and all, for a network-boot server to serve. */
  configFile: string;
}

export interface NetworkSpec {
  /** One of the built-in ones, or the absolute path of a manifest. */
  cni: "bridge" | "flannel" | "none" | { manifest: string };
  /** IPv4 CIDR of all pods; node number i has the i-th /24 of it. */
  podSubnet: string;
  serviceSubnet: string;
  /**
   * IPv4 CIDR of the nodes; address 1 of it is the host's, node number i has address i + 2, and the last before the
   * broadcast address is the endpoint's of several control planes.
   */
  nodeSubnet: string;
  dnsDomain: string;
}

/** The components whose flags or configuration `--extra-config` reaches; names as in minikube, with etcd. */
export const configurableComponents = [
  "apiserver",
  "controller-manager",
  "scheduler",
  "kubelet",
  "proxy",
  "etcd",
] as const;

export type ConfigurableComponent = (typeof configurableComponents)[number];
