import semver from "semver";
import { SlipwayError } from "../../base/errors.js";
import type { KubeNode } from "../../kube/wire.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { componentOptions } from "../../spec/component-options.js";
import { checkExtraConfig, checkFeatureGates } from "../../spec/extra-config.js";
import { minorOf } from "../../spec/kubernetes-version.js";
import { nowhere, ProblemCollector, problemText } from "../../spec/problems.js";

/**
 * What of a cluster the target version does not take: skew (https://kubernetes.io/releases/version-skew-policy/), flags, gates.
 * Pure.
 *
 * @throws {SlipwayError} `USAGE` for a version that cannot follow; `CONFIG_INVALID` with all that it does not know
 */
export function checkTarget(spec: ClusterSpec, to: string): void {
  const from = spec.kubernetesVersion;
  const { name } = spec.metadata;
  if (semver.lt(to, from)) {
    throw new SlipwayError("USAGE", `${name} is at ${from}; ${to} is older`, {
      hint: "Kubernetes cannot go back; a snapshot of before can be restored into a new cluster",
    });
  }
  if (semver.minor(to) - semver.minor(from) > 1) {
    const next = `${semver.major(from)}.${semver.minor(from) + 1}`;
    throw new SlipwayError("USAGE", `from ${from} to ${to} is more than one minor version`, {
      hint: `one at a time: slipway selfhost upgrade -p ${name} --to ${next}`,
    });
  }
  const options = componentOptions(to);
  if (!options) return;
  const problems = new ProblemCollector(nowhere);
  checkExtraConfig(spec.extraConfig, options, problems);
  checkFeatureGates(spec.featureGates, options, to, problems);
  const [first, ...others] = problems.problems.map(problemText);
  if (first === undefined) return;
  throw new SlipwayError("CONFIG_INVALID", `Kubernetes ${minorOf(to)} does not take the cluster's ${first}`, {
    hint: `take it out first: slipway start -p ${name} with the flag or file changed`,
    details: Object.fromEntries(others.map((text, i) => [`${i + 2} of ${others.length + 1}`, text])),
  });
}

/**
 * Nodes that an API server of the target would not get on with: kubelets newer than it, or more than three minors older.
 * Pure.
 *
 * @throws {SlipwayError} `NODE_NOT_READY` naming them, and those that are not Ready
 */
export function checkKubelets(nodes: readonly KubeNode[], to: string): void {
  const wrong = nodes.flatMap(({ metadata, status }) => {
    const name = metadata?.name ?? "";
    const ready = status?.conditions?.find(({ type }) => type === "Ready");
    if (ready?.status !== "True") return [`${name} is not Ready: ${ready?.message ?? "it has not reported"}`];
    const kubelet = semver.coerce(status?.nodeInfo?.kubeletVersion);
    if (!kubelet) return [];
    const behind = semver.minor(to) - semver.minor(kubelet);
    if (behind < 0) return [`${name} has a kubelet of ${kubelet}, newer than ${to}`];
    return behind > 3 ? [`${name} has a kubelet of ${kubelet}, more than three minor versions older`] : [];
  });
  const [first, ...others] = wrong;
  if (first === undefined) return;
  throw new SlipwayError("NODE_NOT_READY", first, {
    hint: "all nodes must be well before an upgrade; nothing was touched",
    details: Object.fromEntries(others.map((text, i) => [`${i + 2} of ${wrong.length}`, text])),
  });
}

/** What an API server of a cluster of this size takes, and one more while a rollout hands over. */
export const neededMemoryBytes = 700 * 1024 * 1024;

const text = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;

/** @throws {SlipwayError} `MEMORY_SHORT` */
export function checkMemory(node: string, availableBytes: number): void {
  if (availableBytes >= neededMemoryBytes) return;
  throw new SlipwayError(
    "MEMORY_SHORT",
    `${node} has ${text(availableBytes)} free; API servers beside the one that serves need ${text(neededMemoryBytes)}`,
    { hint: "end something there, or give the node more memory; nothing was touched" },
  );
}

/** etcd gives up when it cannot lay out the next segment of its log, which takes 64 MB. */
export const neededDiskBytes = 256 * 1024 * 1024;

/** On a node's disk an image is the archive that it comes in, what containerd keeps of it, and its files. */
export const imageDiskFactor = 3;

/** @throws {SlipwayError} `DISK_FULL` */
export function checkDisk(node: string, availableBytes: number, neededBytes: number = neededDiskBytes): void {
  if (availableBytes >= neededBytes) return;
  throw new SlipwayError(
    "DISK_FULL",
    `the disk of ${node} has ${text(availableBytes)} left; this needs ${text(neededBytes)}`,
    { hint: "free some space and run the same command again; nothing was touched" },
  );
}
