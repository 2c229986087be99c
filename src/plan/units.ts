import type { IgnitionUnit } from "../ignition/config.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { isHighlyAvailable, type NodeAddress } from "./addresses.js";
import { commandLine } from "./command-line.js";
import { apiServerFlags, controllerManagerFlags, etcdFlags, schedulerFlags } from "./control-plane.js";
import { endpointUnits } from "./endpoint.js";
import { kubeletFlags } from "./kubelet.js";
import { places } from "./places.js";
import { proxyFlags } from "./proxy.js";
import { snapshotUnits } from "./snapshot-schedule.js";
import { stopPodsPath } from "./stop-pods.js";
import { beforeOthers, type Service, serviceText } from "./unit.js";

const program = (name: string): string => `${places.bin}/${name}`;

/**
 * Collecting garbage less often saves an eighth of the CPU that a start takes (docs/decisions/0001-start-time.md); the heaps of a
 * cluster of this size stay small all the same.
 */
const lessCollection = { GOGC: "400" };

const unit = (name: string, service: Service): IgnitionUnit => ({
  name: `${name}.service`,
  enabled: true,
  contents: serviceText({ ...service, environment: { ...lessCollection, ...service.environment } }),
});

/** What every node runs. */
export function nodeUnits(spec: ClusterSpec, node: NodeAddress): IgnitionUnit[] {
  const asUnits = spec.bootstrapper === "units";
  const api = node.role === "control-plane" && asUnits ? ["kube-apiserver.service"] : [];
  return [
    unit("containerd", {
      description: "containerd, the container runtime",
      command: [program("containerd")],
      type: "notify",
      options: [
        "Delegate=yes",
        "KillMode=process",
        "OOMScoreAdjust=-999",
        "LimitNOFILE=1048576",
        "TasksMax=infinity",
      ],
    }),
    unit("slipway-pods", {
      description: "Pods end before their node does",
      after: ["containerd.service"],
      command: ["/bin/true"],
      type: "oneshot",
      options: [`ExecStop=/bin/sh ${stopPodsPath}`, "TimeoutStopSec=10s"],
    }),
    unit("kubelet", {
      description: "kubelet, the Kubernetes node agent",
      // Stopped before the pods are, which it would start again.
      after: ["containerd.service", "slipway-pods.service", ...api],
      wants: ["containerd.service"],
      command: commandLine(program("kubelet"), kubeletFlags(spec, node)),
      options: ["KillMode=process", "LimitNOFILE=1048576"],
    }),
    ...(asUnits
      ? [
          unit("kube-proxy", {
            description: "kube-proxy, Services on this node",
            after: api,
            command: commandLine(program("kube-proxy"), proxyFlags(spec, node)),
          }),
        ]
      : []),
    ...(spec.network.cni === "bridge"
      ? [
          unit("slipway-network", {
            description: "Pods leave the cluster under the node's address",
            command: ["/usr/sbin/nft", "-f", "/etc/slipway/masquerade.nft"],
            type: "oneshot",
          }),
        ]
      : []),
  ];
}

/** What a control-plane node runs besides; of a control plane of pods only etcd is a unit. */
export function controlPlaneUnits(spec: ClusterSpec, node: NodeAddress): IgnitionUnit[] {
  const etcd = unit("etcd", {
    description: "etcd, the cluster's store",
    command: commandLine(program("etcd"), etcdFlags(spec, node)),
    type: "notify",
    options: ["StateDirectory=etcd", "StateDirectoryMode=0700", "LimitNOFILE=65536", ...beforeOthers],
  });
  if (spec.bootstrapper !== "units") return [etcd, ...snapshotUnits(spec), ...endpointUnits(spec)];
  const single = !isHighlyAvailable(spec);
  // READY=1 from the API server comes when it listens, so that what follows does not start into a closed port.
  const afterApi = ["kube-apiserver.service"];
  return [
    etcd,
    unit("kube-apiserver", {
      description: "kube-apiserver, the Kubernetes API",
      after: ["etcd.service"],
      command: commandLine(program("kube-apiserver"), apiServerFlags(spec, node)),
      type: "notify",
      // Asked to end, it waits for watches that nobody will end; all it has is in etcd already. With others beside it, it
      // first lets the endpoint drain it.
      options: [
        "LimitNOFILE=65536",
        "Nice=-10",
        "TimeoutStartSec=infinity",
        `TimeoutStopSec=${single ? 1 : 3}s`,
      ],
    }),
    unit("kube-controller-manager", {
      description: "kube-controller-manager, the controllers",
      after: afterApi,
      command: commandLine(program("kube-controller-manager"), controllerManagerFlags(spec, { single })),
    }),
    unit("kube-scheduler", {
      description: "kube-scheduler, places pods on nodes",
      after: afterApi,
      command: commandLine(program("kube-scheduler"), schedulerFlags(spec, { single })),
    }),
    ...snapshotUnits(spec),
    ...endpointUnits(spec),
  ];
}
