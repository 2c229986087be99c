import type { DaemonSet, Deployment, KubeObject, Pod } from "../../kube/wire.js";
import { readySinceMs } from "./observe.js";
import { revisionHashLabel, templateHashLabel } from "./workload.js";

/** On a guarded workload: the hash of the last revision that all its pods ran well. */
export const lastGoodAnnotation = "slipway.dev/last-good-revision";
/** On a guarded workload: JSON, how often each revision was rolled back. */
export const rollbacksAnnotation = "slipway.dev/rollbacks";
/** On a guarded workload: when it was last rolled back, from which revision, and why. */
export const rolledBackAnnotation = "slipway.dev/rolled-back";
/** On a guarded workload: when its controller was last reminded of a rollout that it had left in the middle. */
export const remindedAnnotation = "slipway.dev/reminded";
/** On a guarded workload: `"off"` leaves its rollouts alone. */
export const guardAnnotation = "slipway.dev/guard";

/** A rollout as it stands. */
export interface Rollout {
  /** The hash of the revision that is wanted. */
  current: string;
  lastGood: string | undefined;
  /** The template of the last good revision, while the controller still has it. */
  lastGoodTemplate: object | undefined;
  /** Of revisions by hash. */
  rollbacks: Record<string, number>;
  guarded: boolean;
  desired: number;
  /** How long a pod must have been Ready before its controller counts on it. */
  minReadyMs: number;
  pods: RolloutPod[];
}

export interface RolloutPod {
  name: string;
  node: string | undefined;
  /** It was told to end. */
  ending: boolean;
  /** Of the wanted revision. */
  updated: boolean;
  readySinceMs: number | undefined;
  /** What shows that it will not get well by itself; undefined: nothing does. */
  failure: string | undefined;
  /** Since when it has run without being Ready. */
  unreadySinceMs: number | undefined;
}

/** Reasons of a waiting container that name a failure rather than work in progress (pkg/kubelet, `images` and `kuberuntime`). */
const failures = new Set([
  "CrashLoopBackOff",
  "CreateContainerConfigError",
  "CreateContainerError",
  "ErrImageNeverPull",
  "ErrImagePull",
  "ImageInspectError",
  "ImagePullBackOff",
  "InvalidImageName",
  "PreCreateHookError",
  "PreStartHookError",
  "PostStartHookError",
  "RegistryUnavailable",
  "RunContainerError",
  "SignatureValidationFailed",
  "StartError",
]);

/**
 * Reads a rollout; undefined while its controller has not caught up with it. `revisions` are the namespace's
 * ControllerRevisions for a DaemonSet, its ReplicaSets for a Deployment. Pure.
 */
export function rolloutOf(
  workload: DaemonSet | Deployment,
  kind: "DaemonSet" | "Deployment",
  pods: readonly Pod[],
  revisions: readonly KubeObject[],
): Rollout | undefined {
  const { metadata, status } = workload;
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return undefined;
  const own = revisions.filter(({ metadata: of }) =>
    of?.ownerReferences?.some(({ uid }) => uid === metadata?.uid),
  );
  const newest = kind === "DaemonSet" ? newestRevision(own) : currentReplicaSet(own, workload);
  const hashLabel = kind === "DaemonSet" ? revisionHashLabel : templateHashLabel;
  const hashOf = (object: KubeObject | undefined) => object?.metadata?.labels?.[hashLabel];
  const current = hashOf(newest);
  if (current === undefined) return undefined;
  const annotations = metadata?.annotations ?? {};
  const lastGood = annotations[lastGoodAnnotation];
  const good = lastGood === undefined ? undefined : own.find((object) => hashOf(object) === lastGood);
  return {
    current,
    lastGood,
    lastGoodTemplate: good && templateOf(good, kind),
    rollbacks: rollbacksOf(annotations[rollbacksAnnotation]),
    guarded: annotations[guardAnnotation] !== "off",
    desired:
      kind === "DaemonSet"
        ? ((workload as DaemonSet).status?.desiredNumberScheduled ?? 0)
        : ((workload as Deployment).spec?.replicas ?? 1),
    minReadyMs: (workload.spec?.minReadySeconds ?? 0) * 1000,
    pods: pods.map((pod) => rolloutPod(pod, pod.metadata?.labels?.[hashLabel] === current)),
  };
}

function newestRevision(revisions: readonly KubeObject[]): KubeObject | undefined {
  const number = (object: KubeObject) => (object as { revision?: number }).revision ?? 0;
  return [...revisions].sort((a, b) => number(b) - number(a))[0];
}

const deploymentRevision = "deployment.kubernetes.io/revision";

function currentReplicaSet(
  replicaSets: readonly KubeObject[],
  { metadata }: KubeObject,
): KubeObject | undefined {
  const wanted = metadata?.annotations?.[deploymentRevision];
  return replicaSets.find((object) => object.metadata?.annotations?.[deploymentRevision] === wanted);
}

/** The pod template that a revision holds, as it stood in the workload. */
function templateOf(revision: KubeObject, kind: "DaemonSet" | "Deployment"): object | undefined {
  const spec =
    kind === "DaemonSet" ? (revision as RevisionData).data?.spec : (revision as ReplicaSetSpec).spec;
  if (!spec?.template) return undefined;
  const template = structuredClone(spec.template);
  delete template.$patch; // what a ControllerRevision keeps is a patch
  if (template.metadata?.labels) delete template.metadata.labels[templateHashLabel];
  return template;
}

interface Template {
  $patch?: string;
  metadata?: { labels?: Record<string, string> };
}
type RevisionData = KubeObject & { data?: { spec?: { template?: Template } } };
type ReplicaSetSpec = KubeObject & { spec?: { template?: Template } };

function rolloutPod(pod: Pod, updated: boolean): RolloutPod {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const started = (pod.status?.containerStatuses ?? []).map(({ state }) => state?.running?.startedAt);
  const sinceMs = readySinceMs(pod);
  const running = started.flatMap((time) => (time === undefined ? [] : [Date.parse(time)]));
  return {
    name: pod.metadata?.name ?? "",
    node: pod.spec?.nodeName,
    ending: pod.metadata?.deletionTimestamp !== undefined,
    updated,
    readySinceMs: sinceMs,
    failure: sinceMs === undefined ? failureOf(pod, statuses) : undefined,
    unreadySinceMs: sinceMs === undefined && running.length > 0 ? Math.max(...running) : undefined,
  };
}

type ContainerStatus = NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number];

function failureOf({ status }: Pod, statuses: readonly ContainerStatus[]): string | undefined {
  if (status?.phase === "Failed") return `it failed: ${status.message ?? status.reason ?? "no reason given"}`;
  for (const { name, state, lastState, restartCount } of statuses) {
    const reason = state?.waiting?.reason;
    const ended = state?.terminated ?? lastState?.terminated;
    // Who fell once or twice and runs may have waited for somebody else.
    if (ended && ended.exitCode !== 0 && (state?.running === undefined || restartCount > 2)) {
      const said = lastLine(ended.message);
      return `container ${name} ended with exit code ${ended.exitCode}, ${restartCount} restarts${said && `: ${said}`}`;
    }
    if (reason !== undefined && failures.has(reason)) {
      const said = state?.waiting?.message;
      return `container ${name}: ${reason}${said ? `: ${said}` : ""}`;
    }
  }
  return undefined;
}

/** Of what a container said as it ended; what follows the time and place that klog begins with. */
const lastLine = (message = ""): string =>
  (message.trim().split("\n").at(-1) ?? "").replace(/^[IWEF]\d{4} \S+ +\d+ \S+\] /, "").slice(0, 500);

function rollbacksOf(text: string | undefined): Record<string, number> {
  try {
    const parsed: unknown = JSON.parse(text ?? "{}");
    if (typeof parsed !== "object" || parsed === null) return {};
    return Object.fromEntries(Object.entries(parsed).filter(([, count]) => typeof count === "number"));
  } catch {
    return {}; // somebody's own
  }
}
