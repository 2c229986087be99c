import type { Pod } from "../../kube/wire.js";
import { checkpointAnnotation, checkpointOfAnnotation } from "../../plan/selfhosted/checkpointer.js";

/**
 * What a checkpoint is of. Pods come and go under random names; two revisions of a workload are the same workload, and only
 * one of them may ever be activated.
 */
export interface Workload {
  kind: "DaemonSet" | "Deployment";
  namespace: string;
  name: string;
}

/** `kube-system/kube-apiserver`. Of one name there may be one checkpoint, whatever its kind. */
export const keyOf = ({ namespace, name }: Pick<Workload, "namespace" | "name">): string =>
  `${namespace}/${name}`;

export const templateHashLabel = "pod-template-hash";
export const revisionHashLabel = "controller-revision-hash";
/** Set by kubelets on the API's image of a static pod (pkg/kubelet/types/pod_update.go). */
export const mirrorAnnotation = "kubernetes.io/config.mirror";

/** The workload whose pod this is, if it is one to be checkpointed; not for static pods, our copies among them. */
export function workloadOfPod({ metadata }: Pod): Workload | undefined {
  const annotations = metadata?.annotations ?? {};
  if (annotations[checkpointAnnotation] !== "true") return undefined;
  if (checkpointOfAnnotation in annotations || mirrorAnnotation in annotations) return undefined;
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller);
  const namespace = metadata?.namespace ?? "default";
  if (owner?.kind === "DaemonSet") return { kind: "DaemonSet", namespace, name: owner.name };
  // A Deployment's replica sets are `<deployment>-<hash of the template>`.
  const hash = metadata?.labels?.[templateHashLabel];
  if (owner?.kind === "ReplicaSet" && hash !== undefined && owner.name.endsWith(`-${hash}`))
    return { kind: "Deployment", namespace, name: owner.name.slice(0, -hash.length - 1) };
  return undefined;
}

/** A pod as the container runtime knows it: by the labels and annotations that the kubelet gives to a sandbox. */
export interface SandboxIdentity {
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface SandboxRole {
  namespace: string;
  name: string;
  role: "parent" | "copy";
}

/** How many random characters a controller puts behind a pod's name (apiserver `names.SimpleNameGenerator`). */
const suffixLength = 5;

/**
 * Whose pod a sandbox is, without asking the API: owner references are not among what the runtime knows, so a parent's
 * workload is read from its name and its controller's label. undefined: none of our business.
 */
export function roleOfSandbox({ labels, annotations }: SandboxIdentity): SandboxRole | undefined {
  const namespace = labels["io.kubernetes.pod.namespace"] ?? "";
  const podName = labels["io.kubernetes.pod.name"] ?? "";
  const copyOf = annotations[copyWorkloadAnnotation];
  if (checkpointOfAnnotation in annotations)
    return copyOf === undefined ? undefined : { namespace, name: copyOf, role: "copy" };
  if (annotations[checkpointAnnotation] !== "true" || annotations["kubernetes.io/config.source"] === "file")
    return undefined;
  const withoutSuffix = podName.slice(0, -suffixLength - 1);
  const hash = labels[templateHashLabel];
  if (hash !== undefined) {
    return withoutSuffix.endsWith(`-${hash}`)
      ? { namespace, name: withoutSuffix.slice(0, -hash.length - 1), role: "parent" }
      : undefined;
  }
  return labels[revisionHashLabel] === undefined
    ? undefined
    : { namespace, name: withoutSuffix, role: "parent" };
}

/** On a copy: the name of the workload that it stands in for. */
export const copyWorkloadAnnotation = "slipway.dev/checkpoint-workload";
/** On a copy: the kind of that workload. */
export const copyKindAnnotation = "slipway.dev/checkpoint-kind";
