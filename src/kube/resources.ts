import { SlipwayError } from "../base/errors.js";
import type { CustomResourceDefinition, Manifest } from "./wire.js";

/** Where the objects of a kind live in the API. */
export interface Resource {
  /** `v1`, `apps/v1` */
  apiVersion: string;
  /** `deployments` */
  plural: string;
  namespaced: boolean;
}

/** Kinds by API group; a plural in front of a colon is cluster-scoped: `:nodes`. Kubernetes 1.34 to 1.36, stable groups. */
const builtIn: Record<string, Record<string, string>> = {
  "": {
    ConfigMap: "configmaps",
    Endpoints: "endpoints",
    Event: "events",
    LimitRange: "limitranges",
    Namespace: ":namespaces",
    Node: ":nodes",
    PersistentVolume: ":persistentvolumes",
    PersistentVolumeClaim: "persistentvolumeclaims",
    Pod: "pods",
    PodTemplate: "podtemplates",
    ReplicationController: "replicationcontrollers",
    ResourceQuota: "resourcequotas",
    Secret: "secrets",
    Service: "services",
    ServiceAccount: "serviceaccounts",
  },
  "admissionregistration.k8s.io": {
    MutatingWebhookConfiguration: ":mutatingwebhookconfigurations",
    ValidatingAdmissionPolicy: ":validatingadmissionpolicies",
    ValidatingAdmissionPolicyBinding: ":validatingadmissionpolicybindings",
    ValidatingWebhookConfiguration: ":validatingwebhookconfigurations",
  },
  "apiextensions.k8s.io": { CustomResourceDefinition: ":customresourcedefinitions" },
  "apiregistration.k8s.io": { APIService: ":apiservices" },
  apps: {
    ControllerRevision: "controllerrevisions",
    DaemonSet: "daemonsets",
    Deployment: "deployments",
    ReplicaSet: "replicasets",
    StatefulSet: "statefulsets",
  },
  autoscaling: { HorizontalPodAutoscaler: "horizontalpodautoscalers" },
  batch: { CronJob: "cronjobs", Job: "jobs" },
  "certificates.k8s.io": { CertificateSigningRequest: ":certificatesigningrequests" },
  "coordination.k8s.io": { Lease: "leases" },
  "discovery.k8s.io": { EndpointSlice: "endpointslices" },
  "flowcontrol.apiserver.k8s.io": {
    FlowSchema: ":flowschemas",
    PriorityLevelConfiguration: ":prioritylevelconfigurations",
  },
  "networking.k8s.io": {
    Ingress: "ingresses",
    IngressClass: ":ingressclasses",
    NetworkPolicy: "networkpolicies",
  },
  "node.k8s.io": { RuntimeClass: ":runtimeclasses" },
  policy: { PodDisruptionBudget: "poddisruptionbudgets" },
  "rbac.authorization.k8s.io": {
    ClusterRole: ":clusterroles",
    ClusterRoleBinding: ":clusterrolebindings",
    Role: "roles",
    RoleBinding: "rolebindings",
  },
  "scheduling.k8s.io": { PriorityClass: ":priorityclasses" },
  "storage.k8s.io": {
    CSIDriver: ":csidrivers",
    CSINode: ":csinodes",
    CSIStorageCapacity: "csistoragecapacities",
    StorageClass: ":storageclasses",
    VolumeAttachment: ":volumeattachments",
  },
};

/** The resource of a kind that every API server has; undefined for the rest: ask discovery. */
export function builtInResource(apiVersion: string, kind: string): Resource | undefined {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  const plural = builtIn[group]?.[kind];
  if (plural === undefined) return undefined;
  const namespaced = !plural.startsWith(":");
  return { apiVersion, plural: namespaced ? plural : plural.slice(1), namespaced };
}

/** The resources that a CustomResourceDefinition makes, by `apiVersion/kind`. */
export function definedResources({ spec }: CustomResourceDefinition): Map<string, Resource> {
  return new Map(
    spec.versions
      .filter((version) => version.served)
      .map((version) => {
        const apiVersion = `${spec.group}/${version.name}`;
        return [
          `${apiVersion}/${spec.names.kind}`,
          { apiVersion, plural: spec.names.plural, namespaced: spec.scope === "Namespaced" },
        ];
      }),
  );
}

/** `/api/v1` or `/apis/apps/v1` */
export const groupVersionPath = (apiVersion: string): string =>
  apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

/** The path of a collection; without a namespace, of the objects in all of them. */
export function collectionPath({ apiVersion, plural, namespaced }: Resource, namespace?: string): string {
  const scope = namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${groupVersionPath(apiVersion)}${scope}/${plural}`;
}

/** The path of an object. A namespaced one without a namespace is in `default`, as for kubectl. */
export function objectPath(resource: Resource, { metadata }: Pick<Manifest, "metadata">): string {
  const { name, namespace = "default" } = metadata;
  if (!name) throw new SlipwayError("CONFIG_INVALID", "an object without metadata.name cannot be applied");
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
}
