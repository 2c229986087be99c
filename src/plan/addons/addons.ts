import type { ClusterSpec } from "../../spec/cluster-spec.js";
import type { PlatformFacts } from "../facts.js";
import type { KubeObject } from "../kube-object.js";
import { corednsObjects } from "./coredns.js";
import { metricsServerObjects } from "./metrics-server.js";
import { defaultStorageClassObjects, storageProvisionerObjects } from "./storage.js";

export interface Addon {
  name: string;
  summary: string;
  /** Image components that its pods use. */
  images: string[];
  /** Deployments of kube-system that are available when it works. */
  deployments: string[];
  objects(spec: ClusterSpec, facts: PlatformFacts): KubeObject[];
}

/** Every add-on there is, in the order in which they are applied. */
export const addons: Addon[] = [
  {
    name: "coredns",
    summary: "Names for Services and pods",
    images: ["coredns-image"],
    deployments: ["coredns"],
    objects: corednsObjects,
  },
  {
    name: "default-storageclass",
    summary: "A StorageClass for claims that name none",
    images: [],
    deployments: [],
    objects: defaultStorageClassObjects,
  },
  {
    name: "storage-provisioner",
    summary: "PersistentVolumes on the nodes' disks (local-path-provisioner)",
    images: ["local-path-provisioner-image", "busybox-image"],
    deployments: ["local-path-provisioner"],
    objects: storageProvisionerObjects,
  },
  {
    name: "metrics-server",
    summary: "CPU and memory of pods and nodes: kubectl top",
    images: ["metrics-server-image"],
    deployments: ["metrics-server"],
    objects: metricsServerObjects,
  },
];

export const findAddon = (name: string): Addon | undefined => addons.find((addon) => addon.name === name);
