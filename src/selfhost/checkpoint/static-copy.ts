import { createHash } from "node:crypto";
import type { Pod } from "../../kube/wire.js";
import { checkpointOfAnnotation } from "../../plan/selfhosted/checkpointer.js";
import { copiedContainers } from "./copied-containers.js";
import { type CopiedVolumes, copiedVolumes, type DataDirectory } from "./copied-volumes.js";
import type { ReferencedObjects } from "./references.js";
import {
  copyKindAnnotation,
  copyWorkloadAnnotation,
  revisionHashLabel,
  templateHashLabel,
  type Workload,
} from "./workload.js";

export type PodSpec = NonNullable<Pod["spec"]>;

/** On a copy: SHA-256 of all that it is made of, but for the name of the pod that it was taken from. */
export const fingerprintAnnotation = "slipway.dev/checkpoint-fingerprint";
/** On a copy: its controller's hash of the revision that it was taken from. */
export const revisionAnnotation = "slipway.dev/checkpoint-revision";
/** On an activated copy: when. It makes each activation another pod to the kubelet, which hashes the file for the UID. */
export const activatedAtAnnotation = "slipway.dev/activated-at";

export interface StaticPod {
  apiVersion: "v1";
  kind: "Pod";
  metadata: {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
  };
  spec: PodSpec;
}

/** All that a workload's static copy needs on a node's disk. */
export interface StaticCopy {
  manifest: StaticPod;
  directories: DataDirectory[];
}

export type StaticCopyResult = { copy: StaticCopy; fingerprint: string } | { refusals: string[] };

/**
 * A pod as one that a kubelet runs without an API server. Kubelets of 1.34 and newer refuse static pods that refer to API
 * objects (k/k#131837, `podutil.HasAPIObjectReference`): Secrets and ConfigMaps become directories and values, the service
 * account goes, and what cannot be had without the API is refused here, by name. Pure.
 *
 * metadata.uid is left to the kubelet. Its hash of the file keeps the UID of one activation across restarts and reboots, and
 * makes the next activation another pod; a pinned UID would tie a new try to a pod that the kubelet has given up (k/k#103374).
 * The duplicates of k/k#112814 come from a manifest that changes while its pod runs, which a running copy's never does.
 */
export function staticCopy(
  pod: Pod,
  workload: Workload,
  objects: ReferencedObjects,
  { directory, isSelf }: { directory: string; isSelf: boolean },
): StaticCopyResult {
  const spec = pod.spec;
  if (!spec) return { refusals: ["it has no spec"] };
  const volumes = copiedVolumes(spec, workload, objects, directory);
  const forcedHostNetwork = spec.hostNetwork !== true;
  const containers = copiedContainers(spec, volumes, objects, { forcedHostNetwork, isSelf });
  const refusals = [...specRefusals(spec), ...volumes.refusals, ...containers.refusals];
  if (refusals.length > 0) return { refusals: [...new Set(refusals)] };
  const labels = { ...pod.metadata?.labels };
  const revision = labels[revisionHashLabel] ?? labels[templateHashLabel] ?? "";
  // The controllers' own: a copy is none of their pods.
  for (const label of [revisionHashLabel, templateHashLabel, "pod-template-generation"]) delete labels[label];
  const manifest: StaticPod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: workload.name,
      namespace: workload.namespace,
      labels,
      annotations: {
        [copyWorkloadAnnotation]: workload.name,
        [copyKindAnnotation]: workload.kind,
        [revisionAnnotation]: revision,
      },
    },
    spec: copiedSpec(spec, volumes, containers),
  };
  const fingerprint = fingerprintOf(manifest, volumes.directories);
  Object.assign(manifest.metadata.annotations, {
    [fingerprintAnnotation]: fingerprint,
    [checkpointOfAnnotation]: pod.metadata?.name ?? "",
  });
  return { copy: { manifest, directories: volumes.directories }, fingerprint };
}

function specRefusals(spec: PodSpec): string[] {
  return [
    ...(spec.imagePullSecrets?.length ? ["it has imagePullSecrets: put its images on the node"] : []),
    ...(spec.resourceClaims?.length ? ["it has resourceClaims"] : []),
  ];
}

/** Left out: what the API server, the scheduler or a controller would need to look at. */
const leftOut = [
  "activeDeadlineSeconds",
  "affinity",
  "ephemeralContainers",
  "imagePullSecrets",
  "nodeName",
  "nodeSelector",
  "overhead",
  "preemptionPolicy",
  "readinessGates",
  "runtimeClassName",
  "schedulerName",
  "schedulingGates",
  "serviceAccount",
  "serviceAccountName",
  "topologySpreadConstraints",
  "workloadRef",
] as const;

function copiedSpec(
  spec: PodSpec,
  { volumes }: CopiedVolumes,
  { containers, initContainers }: ReturnType<typeof copiedContainers>,
): PodSpec {
  const copy: PodSpec & Record<string, unknown> = structuredClone(spec);
  for (const field of leftOut) delete copy[field];
  // No pod network without an API server: its plugin's agent may be a pod itself. Neither of these goes with the node's.
  delete copy.hostUsers;
  const sysctls = copy.securityContext?.sysctls?.filter(({ name }) => !name.startsWith("net."));
  if (copy.securityContext && sysctls) copy.securityContext.sysctls = sysctls;
  return {
    ...copy,
    hostNetwork: true,
    automountServiceAccountToken: false,
    // The variables of Services come from the API.
    enableServiceLinks: false,
    restartPolicy: "Always",
    // As kubeadm's static pods. The number is what counts: no admission plugin looks it up for a static pod.
    priorityClassName: "system-node-critical",
    priority: 2_000_001_000,
    tolerations: [{ operator: "Exists" }],
    volumes,
    containers,
    ...(initContainers.length > 0 ? { initContainers } : {}),
  };
}

function fingerprintOf(manifest: StaticPod, directories: readonly DataDirectory[]): string {
  const hash = createHash("sha256").update(JSON.stringify(manifest));
  for (const { path, group, files } of directories) {
    hash.update(`\0${path}\0${group ?? ""}`);
    for (const file of files) {
      hash.update(`\0${file.path}\0${file.mode}\0${file.contents.length}\0`).update(file.contents);
    }
  }
  return hash.digest("hex");
}
