import type { ClusterSpec } from "../spec/cluster-spec.js";
import { apiEndpoint, nodeAddresses } from "./addresses.js";
import { breakGlass } from "./certificates.js";
import type { KubeconfigRequest } from "./kubeconfig-request.js";
import { selfhostedKubeconfigs } from "./selfhosted/plan.js";

/** Components on a control-plane node talk to the API server beside them; everybody else to the cluster's endpoint. */
export function planKubeconfigs(spec: ClusterSpec): KubeconfigRequest[] {
  const local = `https://127.0.0.1:${spec.apiServer.port}`;
  const shared = apiEndpoint(spec);
  const request = (name: string, certificate: string, user: string, server: string): KubeconfigRequest => ({
    name,
    certificate,
    user,
    server,
  });
  return [
    request("admin", "admin", spec.metadata.name, shared),
    request(breakGlass, breakGlass, `${spec.metadata.name}-${breakGlass}`, shared),
    request("controller-manager", "controller-manager", "system:kube-controller-manager", local),
    request("scheduler", "scheduler", "system:kube-scheduler", local),
    request("proxy", "proxy", "system:kube-proxy", shared),
    ...(spec.bootstrapper !== "units" ? selfhostedKubeconfigs(spec) : []),
    ...nodeAddresses(spec).map((node) =>
      request(
        `kubelet/${node.name}`,
        `kubelet-client/${node.name}`,
        `system:node:${node.name}`,
        node.role === "control-plane" ? local : shared,
      ),
    ),
  ];
}
