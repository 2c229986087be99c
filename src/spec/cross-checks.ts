import type { ClusterSpec } from "./cluster-spec.js";
import type { ProblemCollector } from "./problems.js";
import { type Mount, type PortMapping, portMappingText } from "./publish.js";

/** What listens on a control-plane node beside the API server. */
const nodePorts: Record<number, string> = {
  2378: "etcd",
  2379: "etcd",
  2380: "etcd",
  2381: "etcd",
  10248: "kubelet",
  10249: "kube-proxy",
  10250: "kubelet",
  10256: "kube-proxy",
  10257: "kube-controller-manager",
  10259: "kube-scheduler",
  10264: "haproxy",
};

export function checkApiServerPort({ apiServer: { port } }: ClusterSpec, problems: ProblemCollector): void {
  const owner = nodePorts[port];
  if (owner)
    problems.add(["apiServer", "port"], `${port} is ${owner}'s own port; take another, as 6443 or 8443`);
  if (port >= 30_000 && port <= 32_767) {
    problems.add(["apiServer", "port"], `${port} lies in the range of NodePort Services (30000–32767)`);
  }
}

export function checkMounts(mounts: readonly Mount[], problems: ProblemCollector): void {
  for (const [i, { node }] of mounts.entries()) {
    const first = mounts.findIndex((mount) => mount.node === node);
    if (first !== i) problems.add(["mounts", i], `mounts[${first}] is mounted to ${node} as well`);
  }
}

export function checkPorts({ ports }: ClusterSpec, problems: ProblemCollector): void {
  for (const [i, port] of ports.entries()) {
    const first = ports.findIndex((other) => clash(other, port));
    if (first !== i) {
      problems.add(
        ["ports", i],
        `${portMappingText(port)} takes the same port of the host as ports[${first}], ${portMappingText(ports[first]!)}`,
      );
    }
  }
}

const clash = (a: PortMapping, b: PortMapping): boolean =>
  a.hostPort === b.hostPort &&
  a.protocol === b.protocol &&
  (a.hostAddress === b.hostAddress || isEvery(a.hostAddress) || isEvery(b.hostAddress));

/** 0.0.0.0 and ::, which listen on every address (on Linux :: on IPv4's as well). */
const isEvery = (address: string): boolean => address === "0.0.0.0" || address === "::";
