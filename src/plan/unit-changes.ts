import type { IgnitionConfig } from "../ignition/config.js";
import { etcdTiming } from "./control-plane.js";
import { haproxyConfigPath, keepalivedConfigPath } from "./endpoint.js";
import { kubeletConfigPath } from "./kubelet.js";
import { kubeconfigPath } from "./places.js";
import type { ClusterPlan } from "./plan.js";
import { proxyConfigPath } from "./proxy.js";

/** What has to happen to the units of a node that runs, so that they are as the plan has them. Names end in `.service`. */
export interface UnitChanges {
  /** To be stopped, and not started again at boot. */
  removed: string[];
  /** To be started anew, or for the first time, in this order. */
  restarted: string[];
  /** Read their configuration again while they serve. */
  reloaded: string[];
}

/** The files that come to differ when the nodes of a cluster do, and the unit that reads each. */
const readers: Readonly<Record<string, string>> = {
  [kubeletConfigPath]: "kubelet.service",
  [kubeconfigPath("kubelet")]: "kubelet.service",
  [proxyConfigPath]: "kube-proxy.service",
  [kubeconfigPath("proxy")]: "kube-proxy.service",
  [kubeconfigPath("controller-manager")]: "kube-controller-manager.service",
  [kubeconfigPath("scheduler")]: "kube-scheduler.service",
  [haproxyConfigPath]: "haproxy.service",
  [keepalivedConfigPath]: "keepalived.service",
};

const reloading: readonly string[] = ["haproxy.service", "keepalived.service"];

/** The API server gives its port on 127.0.0.1 to haproxy; the others find what they ask when they start. */
const order = ["etcd", "kube-apiserver", "haproxy", "keepalived"].map((name) => `${name}.service`);

/** Whether a unit waits for its place in the order when it is started anew. */
export const isOrdered = (unit: string): boolean => order.includes(unit);

/**
 * What becomes of a node's units between two plans of its cluster. A node that the first does not have is one whose state is
 * not known: all of its units are started anew, but containerd, under which its pods go on.
 */
export function unitChanges(before: ClusterPlan, after: ClusterPlan, name: string): UnitChanges {
  const now = unitsOf(configOf(after, name));
  const earlier = configOf(before, name);
  if (!earlier) {
    const restarted = [...now.keys()].filter((unit) => unit !== "containerd.service");
    return { removed: [], restarted: sorted(restarted), reloaded: [] };
  }
  const was = unitsOf(earlier);
  const restarted = [...now].filter(([unit, text]) => was.get(unit) !== text).map(([unit]) => unit);
  const touched = changedFiles(before, after, name)
    .map((path) => readers[path])
    .filter((unit) => unit !== undefined && now.has(unit) && !restarted.includes(unit)) as string[];
  const reloaded = reloading.filter((unit) => touched.includes(unit));
  return {
    removed: [...was.keys()].filter((unit) => !now.has(unit)),
    restarted: sorted([...new Set([...restarted, ...touched.filter((unit) => !reloaded.includes(unit))])]),
    reloaded,
  };
}

export const isUnchanged = ({ removed, restarted, reloaded }: UnitChanges): boolean =>
  removed.length + restarted.length + reloaded.length === 0;

const configOf = ({ nodes }: ClusterPlan, name: string): IgnitionConfig | undefined =>
  nodes.find((node) => node.name === name)?.config;

/**
 * etcd's flags that are no reason to start it anew: it reads some only while it has no data, and a change of its timing has to
 * wait until the others can go on without it.
 */
const withoutRestart = new RegExp(` "?--(initial-|(${etcdTiming.join("|")})=)\\S+`, "g");

/** Enabled units and their texts. */
const unitsOf = (config: IgnitionConfig | undefined): Map<string, string> =>
  new Map(
    (config?.systemd?.units ?? [])
      .filter(({ enabled }) => enabled)
      .map(({ name, contents = "" }) => [name, contents.replace(withoutRestart, "")]),
  );

function changedFiles(before: ClusterPlan, after: ClusterPlan, name: string): string[] {
  const sources = (plan: ClusterPlan) =>
    new Map(
      configOf(plan, name)?.storage?.files?.map(({ path, contents }) => {
        const source = contents?.source ?? "";
        // A kubeconfig is named and not held: it is another when its server is.
        const named = plan.kubeconfigs.find((request) => source === `slipway:kubeconfig/${request.name}`);
        return [path, `${source} ${named?.server ?? ""}`];
      }),
    );
  const was = sources(before);
  return [...sources(after)].filter(([path, source]) => was.get(path) !== source).map(([path]) => path);
}

function sorted(units: string[]): string[] {
  const place = (unit: string) => (order.includes(unit) ? order.indexOf(unit) : order.length);
  return [...units].sort((a, b) => place(a) - place(b));
}
