import type * as k8s from "@kubernetes/client-node";

/**
 * A client-node model as it travels: JSON has strings where the generated classes have `Date`, and the API's own names
 * where they have an underscore (`_continue`, `_default`).
 */
export type Wire<T> = 0 extends 1 & T
  ? T // any stays any
  : T extends Date
    ? string
    : T extends readonly (infer Item)[]
      ? Wire<Item>[]
      : T extends object
        ? { [Key in keyof T as Key extends `_${infer Name}` ? Name : Key]: Wire<T[Key]> }
        : T;

/** What every Kubernetes object has. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata?: Wire<k8s.V1ObjectMeta>;
}

/** An object that can be applied: it says what it is and what it is called. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [key: string]: unknown };
  [key: string]: unknown;
}

export type KubeNode = Wire<k8s.V1Node>;
export type Pod = Wire<k8s.V1Pod>;
export type Deployment = Wire<k8s.V1Deployment>;
export type DaemonSet = Wire<k8s.V1DaemonSet>;
export type ServiceAccount = Wire<k8s.V1ServiceAccount>;
export type EndpointSlice = Wire<k8s.V1EndpointSlice>;
export type CustomResourceDefinition = Wire<k8s.V1CustomResourceDefinition>;
export type ResourceList = Wire<k8s.V1APIResourceList>;
/** The API's own words about a request that failed. */
export type ApiStatus = Wire<k8s.V1Status>;

/** How an object is called in messages: `Deployment kube-system/coredns`. */
export function describeObject({
  kind,
  metadata,
}: {
  kind?: string;
  metadata?: { name?: string; namespace?: string };
}): string {
  const name = metadata?.name ?? "(no name)";
  return `${kind ?? "object"} ${metadata?.namespace ? `${metadata.namespace}/` : ""}${name}`;
}
