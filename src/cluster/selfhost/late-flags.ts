import type { KubeObject } from "../../plan/kube-object.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";

/** What of a live workload counts here. */
interface Commanded {
  metadata?: { name?: string };
  spec?: { template: { spec?: { containers?: { command?: string[]; args?: string[] }[] } } };
}

const componentOf = {
  [workloadNames.apiServer]: "apiserver",
  [workloadNames.controllerManager]: "controller-manager",
  [workloadNames.scheduler]: "scheduler",
} as const;

/**
 * Flags of `--extra-config` that a running control plane does not have: its workloads are changed by an upgrade, and not by a
 * start. Sorted, `kube-apiserver --max-requests-inflight=500`. Pure.
 */
export function lateFlags({ extraConfig }: ClusterSpec, live: readonly (Commanded | KubeObject)[]): string[] {
  return Object.entries(componentOf).flatMap(([name, component]) => {
    const workload = live.find(({ metadata }) => metadata?.name === name) as Commanded | undefined;
    const container = workload?.spec?.template.spec?.containers?.[0];
    if (!container) return [];
    const words = [...(container.command ?? []), ...(container.args ?? [])];
    return Object.entries(extraConfig[component] ?? {})
      .map(([flag, value]) => `--${flag}=${value}`)
      .filter((flag) => !words.includes(flag))
      .sort()
      .map((flag) => `${name} ${flag}`);
  });
}
