import type { KubeObject } from "../../plan/kube-object.js";

interface Containers {
  containers?: { command?: unknown[]; args?: unknown[] }[];
}

/** The value of a flag on the command line of a Pod's, DaemonSet's or Deployment's containers: `--secure-port=6443`. */
export function flagOf({ kind, spec }: KubeObject, flag: string): string | undefined {
  const pod = (kind === "Pod" ? spec : (spec as { template?: { spec?: unknown } })?.template?.spec) as
    | Containers
    | undefined;
  const words = (pod?.containers ?? []).flatMap(({ command = [], args = [] }) => [...command, ...args]);
  const prefix = `--${flag}=`;
  // As pflag: the last one counts.
  return words
    .map(String)
    .findLast((word) => word.startsWith(prefix))
    ?.slice(prefix.length);
}
