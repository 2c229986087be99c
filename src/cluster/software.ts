import type { Context } from "../base/context.js";
import { refOf } from "../components/catalog.js";
import type { ComponentRef, StoredComponent } from "../components/component.js";
import { ensureComponents } from "../components/ensure.js";
import { allOffline } from "../components/offline.js";
import type { EnsureOptions } from "../components/options.js";
import { ensureNodeImage } from "../node-image/build.js";
import { ensureEtcdSeed } from "../node-image/etcd-seed.js";
import { ensureImageSet } from "../node-image/image-set.js";
import { ensureNodeLayer } from "../node-image/layer.js";
import { findAddon } from "../plan/addons/addons.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";

/** Where components may come from, as the user's flags say. */
export type ComponentOptions = EnsureOptions;

/** What a sandbox machine is made of: shared by all nodes of all clusters of one version. */
export interface NodeSoftware {
  /** Read-only trees, uppermost first. */
  layers: string[];
  /** A containerd root with the images in it, unpacked. */
  containerdRoot: string;
  /** A snapshot that a new etcd starts from, and the program that restores it. */
  etcdSeed: { snapshot: string; etcdutl: string };
  /** For the reader: what came from where. */
  summary: string;
}

const workerBinaries = [
  "kubelet",
  "kube-proxy",
  "containerd",
  "containerd-shim-runc-v2",
  "ctr",
  "runc",
  "cni-loopback",
  "cni-bridge",
  "cni-host-local",
  "cni-portmap",
];
/** On every node of a sandbox cluster: all of them share one tree. */
const sharedBinaries = [
  "kubectl",
  "etcd",
  "etcdctl",
  "etcdutl",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
];

/** What a control plane of pods runs. */
const controlPlaneImages = [
  "kube-apiserver-image",
  "kube-controller-manager-image",
  "kube-scheduler-image",
  "kube-proxy-image",
  "pod-checkpointer-image",
];

interface NodeComponents {
  binaries: ComponentRef[];
  images: ComponentRef[];
}

/** The components that a cluster needs: binaries in its nodes' root, and images. */
export function clusterComponents(spec: ClusterSpec): NodeComponents {
  const { binaries, images } = workerComponents(spec);
  return {
    binaries: [...binaries, ...sharedBinaries.map((name) => refOf(name, spec.kubernetesVersion))],
    images,
  };
}

/** The part of it that a worker runs. */
export function workerComponents(spec: ClusterSpec): NodeComponents {
  const ref = (name: string) => refOf(name, spec.kubernetesVersion);
  const flannel = spec.network.cni === "flannel";
  const addonImages = spec.addons.flatMap((name) => findAddon(name)?.images ?? []);
  const images = [
    "pause-image",
    ...(flannel ? ["flannel-image"] : []),
    ...(spec.bootstrapper !== "units" ? controlPlaneImages : []),
    ...addonImages,
    ...spec.images.map((name) => `${name}-image`),
  ];
  return {
    binaries: [...workerBinaries, ...(flannel ? ["cni-flannel"] : [])].map(ref),
    images: [...new Set(images)].map(ref),
  };
}

/**
 * Gets everything that the nodes boot: components, node image, and the images unpacked. All of it is made once and shared.
 *
 * @throws {SlipwayError} `OFFLINE_MISSING`, `COMPONENT_UNAVAILABLE`, `NODE_IMAGE_FAILED`
 */
export async function ensureNodeSoftware(
  spec: ClusterSpec,
  options: ComponentOptions,
  context: Context,
): Promise<NodeSoftware> {
  const { binaries, images } = clusterComponents(spec);
  const parts = [
    ensureComponents([...binaries, ...images], options, context),
    ensureNodeImage(context, options),
  ] as const;
  const [stored, nodeImage] = await (options.offline ? allOffline(parts) : Promise.all(parts));
  const pick = (refs: ComponentRef[]): StoredComponent[] => refs.map(({ name }) => stored.get(name)!);
  const layer = await ensureNodeLayer(pick(binaries), context);
  const node = { nodeImage: nodeImage.path, layer };
  const imageSet = await ensureImageSet(pick(images), node, context);
  const seedMakers = ["etcd", "etcdctl", "kube-apiserver"].map((name) => stored.get(name)!);
  return {
    layers: [layer, nodeImage.path],
    containerdRoot: imageSet.path,
    etcdSeed: {
      snapshot: await ensureEtcdSeed(seedMakers, node, context),
      etcdutl: stored.get("etcdutl")!.path,
    },
    summary: `Kubernetes ${spec.kubernetesVersion}${fromSource(stored) ? ", built from source" : ""}`,
  };
}

const fromSource = (stored: Map<string, StoredComponent>): boolean =>
  [...stored.values()].some(({ provenance }) => provenance.source === "go-module");

/** Images of the catalog, e.g. an add-on's. */
export async function ensureImages(
  names: string[],
  spec: ClusterSpec,
  options: ComponentOptions,
  context: Context,
): Promise<StoredComponent[]> {
  const stored = await ensureComponents(
    names.map((name) => refOf(name, spec.kubernetesVersion)),
    options,
    context,
  );
  return [...stored.values()];
}

/** Path of the kubectl of a Kubernetes version. */
export async function ensureKubectl(kubernetesVersion: string, context: Context): Promise<string> {
  const stored = await ensureComponents([{ name: "kubectl", version: kubernetesVersion }], {}, context);
  return stored.get("kubectl")!.path;
}
