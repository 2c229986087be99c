import { builtInCnis } from "./cni.js";
import { preloadableImages } from "./preloaded-images.js";

/** A flag of `slipway start`, as data: parsing, help, completion and the reference are made from it. */
export interface StartFlag {
  /** One letter, without the dash. */
  short?: string;
  type: "boolean" | "string" | "integer" | "strings";
  /** What the value stands for, in help. */
  value?: string;
  summary: string;
  default?: string;
  choices?: readonly string[];
  /** What completion offers as its value. */
  complete?: "addon" | "file" | readonly string[];
  /** The field of the cluster file that it overrides or adds to. */
  field?: string;
  /** A value, as one would type it. */
  example?: string;
}

/** The parts of a cluster that `--wait` names; as minikube's. */
export const waitParts = [
  "apiserver",
  "system_pods",
  "default_sa",
  "apps_running",
  "node_ready",
  "kubelet",
  "extra",
] as const;

export const defaultWait = "apiserver,default_sa,apps_running,node_ready";

/** Flags that say what the cluster is. None has a default here: what is not given is left to the file and to resolveSpec. */
export const specFlags = {
  nodes: {
    short: "n",
    type: "integer",
    value: "COUNT",
    summary: "How many nodes in all: control planes and workers (default 1)",
    field: "nodes",
    example: "3",
  },
  "control-planes": {
    type: "integer",
    value: "COUNT",
    summary: "How many of them are control planes: 1, 3 or 5 (default 1); 3 outlast the loss of one",
    complete: ["1", "3", "5"],
    field: "controlPlanes",
    example: "3",
  },
  "kubernetes-version": {
    type: "string",
    value: "VERSION",
    summary: "Kubernetes version: v1.36.3, 1.36 for its newest patch, stable or latest",
    complete: ["stable", "latest"],
    field: "kubernetesVersion",
    example: "1.36",
  },
  driver: {
    type: "string",
    value: "DRIVER",
    summary: "What the machines are made of (default sandbox)",
    choices: ["sandbox"],
    field: "driver",
    example: "sandbox",
  },
  bootstrapper: {
    type: "string",
    value: "NAME",
    summary:
      "Where the control plane lives: units of systemd on its nodes, static pods, or selfhosted as objects (default units)",
    choices: ["units", "static", "selfhosted"],
    field: "bootstrapper",
    example: "units",
  },
  "container-runtime": {
    type: "string",
    value: "NAME",
    summary: "What runs the containers (default containerd)",
    choices: ["containerd"],
    field: "containerRuntime",
    example: "containerd",
  },
  cni: {
    type: "string",
    value: "NAME|PATH",
    summary: "Pod network: bridge, flannel, none, or the path of a manifest (default bridge)",
    complete: builtInCnis,
    field: "network.cni",
    example: "flannel",
  },
  memory: {
    type: "string",
    value: "AMOUNT",
    summary: "Memory limit of each node: 4Gi, 4096 (MiB), max or no-limit (default no-limit)",
    complete: ["2Gi", "4Gi", "max", "no-limit"],
    field: "memory",
    example: "4Gi",
  },
  cpus: {
    type: "string",
    value: "COUNT",
    summary: "CPU limit of each node: 2, 1.5, 500m, max or no-limit (default no-limit)",
    complete: ["1", "2", "max", "no-limit"],
    field: "cpus",
    example: "2",
  },
  addons: {
    type: "strings",
    value: "NAME",
    summary: "Add-ons beside the default ones; -NAME turns one off",
    complete: "addon",
    field: "addons",
    example: "metrics-server",
  },
  image: {
    type: "strings",
    value: "NAME",
    summary: "An image of slipway's own that every node has from the start",
    complete: preloadableImages,
    field: "images",
    example: "agnhost",
  },
  "extra-config": {
    type: "strings",
    value: "COMPONENT.KEY=VALUE",
    summary:
      "A flag of apiserver, controller-manager, scheduler, kubelet, proxy or etcd, or a field of kubelet's or proxy's configuration",
    field: "extraConfig",
    example: "kubelet.max-pods=50",
  },
  "feature-gates": {
    type: "strings",
    value: "GATE=true|false",
    summary: "Kubernetes feature gates, separated by commas",
    field: "featureGates",
    example: "MutableCSINodeAllocatableCount=true",
  },
  "apiserver-ips": {
    type: "strings",
    value: "ADDRESS",
    summary: "Further addresses of the API server's certificate",
    field: "apiServer.ips",
    example: "192.168.1.10",
  },
  "apiserver-names": {
    type: "strings",
    value: "NAME",
    summary: "Further DNS names of the API server's certificate",
    field: "apiServer.names",
    example: "k8s.example.com",
  },
  "apiserver-port": {
    type: "integer",
    value: "PORT",
    summary: "Port of the API server (default 6443)",
    field: "apiServer.port",
    example: "8443",
  },
  "pod-cidr": {
    type: "string",
    value: "CIDR",
    summary: "Range of the pods; each node gets a /24 of it (default 10.244.0.0/16, or a free one)",
    field: "network.podSubnet",
    example: "10.200.0.0/16",
  },
  "service-cluster-ip-range": {
    type: "string",
    value: "CIDR",
    summary: "Range of the Services (default 10.96.0.0/16)",
    field: "network.serviceSubnet",
    example: "10.97.0.0/16",
  },
  "dns-domain": {
    type: "string",
    value: "DOMAIN",
    summary: "DNS domain of the cluster (default cluster.local)",
    field: "network.dnsDomain",
    example: "demo.internal",
  },
  mount: {
    type: "strings",
    value: "HOST:NODE[:ro]",
    summary: "A directory of the host that every node sees; absolute paths",
    complete: "file",
    field: "mounts",
    example: "/src:/mnt/src:ro",
  },
  ports: {
    type: "strings",
    value: "[ADDRESS:]HOST:NODE[/udp]",
    summary: "A port of the first node that the host publishes, on 127.0.0.1 unless an address is given",
    field: "ports",
    example: "8080:30080",
  },
} as const satisfies Record<string, StartFlag>;

/** Flags that say how to start it. */
export const operationFlags = {
  file: {
    short: "f",
    type: "string",
    value: "FILE",
    summary: "The cluster's file; other flags override it",
    complete: "file",
    example: "cluster.yaml",
  },
  wait: {
    type: "string",
    value: "PARTS",
    summary: `What to wait for: all, none, or some of ${waitParts.join(",")}`,
    default: defaultWait,
    complete: ["all", "none", ...waitParts],
    example: "all",
  },
  "wait-timeout": {
    type: "string",
    value: "DURATION",
    summary: "How long to wait at most: 90s, 6m",
    default: "6m0s",
    example: "90s",
  },
  "keep-context": { type: "boolean", summary: "Leave kubectl's current context as it is" },
  "dry-run": { type: "boolean", summary: "Print the plan and touch nothing" },
  offline: { type: "boolean", summary: "Use no network: components come from the store and bundles only" },
  "binary-mirror": {
    type: "string",
    value: "URL",
    summary: "Where to get Kubernetes' binaries, laid out as dl.k8s.io",
    example: "https://mirror.example.com",
  },
  "image-repository": {
    type: "string",
    value: "REPOSITORY",
    summary: "Where to get images instead of their own registries",
    example: "registry.example.com/k8s",
  },
  "download-only": { type: "boolean", summary: "Get the components, and start nothing" },
  "delete-on-failure": {
    type: "boolean",
    summary: "When it fails to make a new cluster, delete what was made",
  },
} as const satisfies Record<string, StartFlag>;

/** All flags of `slipway start` beside those of every command (`-p`, `-o`). */
export const startFlags = { ...specFlags, ...operationFlags } as const satisfies Record<string, StartFlag>;

interface ValueOf {
  boolean: boolean;
  string: string;
  integer: number;
  strings: readonly string[];
}

/** Values by the flags' long names; of those that were given. `profile` and `output` are every command's own flags. */
export type StartFlagValues = {
  -readonly [Name in keyof typeof startFlags]?: ValueOf[(typeof startFlags)[Name]["type"]] | undefined;
} & { profile?: string | undefined; output?: string | undefined };
