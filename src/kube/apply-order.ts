import type { Manifest } from "./wire.js";

/**
 * Kinds that others need to be there before they are admitted, or before they do their work. What stands in one stage
 * is applied at once, and a stage begins when the one before is done. Helm's InstallOrder is finer; these are the
 * orders that an API server insists on (admission, RBAC's escalation check) and those that spare pods a crash.
 */
const stages: readonly (readonly string[])[] = [
  [
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "RuntimeClass",
    "StorageClass",
    "IngressClass",
    "CSIDriver",
  ],
  [], // everything that is not named: configuration, service accounts, roles, Services …
  ["ClusterRoleBinding", "RoleBinding"],
  [
    "CronJob",
    "DaemonSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "Job",
    "Pod",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
  ],
  // These stand in the way of other requests until their pods answer.
  [
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
  ],
];

const everythingElse = 1;
/** Groups whose kinds are Kubernetes' own; the rest are custom resources and go with the workloads. */
const isCustom = (apiVersion: string) =>
  apiVersion.includes("/") && !/^([a-z]+|[^/]*\.k8s\.io)\//.test(apiVersion);

/** Splits objects into groups that can be applied one after the other, each at once. No group is empty. */
export function inStages<T extends Pick<Manifest, "apiVersion" | "kind">>(objects: readonly T[]): T[][] {
  const staged: T[][] = stages.map(() => []);
  for (const object of objects) {
    const named = stages.findIndex((kinds) => kinds.includes(object.kind));
    const stage = isCustom(object.apiVersion) ? 3 : named === -1 ? everythingElse : named;
    staged[stage]?.push(object);
  }
  return staged.filter((group) => group.length > 0);
}
