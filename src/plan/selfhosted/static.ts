import { stringify } from "yaml";
import type { IgnitionConfig, IgnitionFile } from "../../ignition/config.js";
import { encodeDataUrl } from "../../ignition/data-url.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";
import type { KubeObject } from "../kube-object.js";
import { places } from "../places.js";
import { secretSource } from "../secrets.js";
import { staticPod } from "./bootstrap.js";
import { apiServerFiles, type ComponentFile, controllerManagerFiles, schedulerFiles } from "./files.js";
import { selfhostedSettings } from "./plan.js";
import { apiServerPod, controllerManagerPod, schedulerPod } from "./pods.js";
import { workloadNames } from "./workloads.js";

/** Where static control-plane pods have what they read, each in a directory of its own. */
export const staticPodsPath = `${places.kubernetes}/static-pods`;

/** A volume of a static pod of the control plane. */
export const staticVolumePath = (component: string, volume = "files"): string =>
  `${staticPodsPath}/${component}/${volume}`;

export const staticManifest = (component: string): string => `${component}.yaml`;

/** As on a control plane of units, controllers talk to the API server beside them. */
const componentFiles = (): Record<string, ComponentFile[]> => ({
  [workloadNames.apiServer]: apiServerFiles(),
  [workloadNames.controllerManager]: controllerManagerFiles("controller-manager"),
  [workloadNames.scheduler]: schedulerFiles("scheduler"),
});

/** The kubeconfigs of it, by their path on a node. */
export const staticKubeconfigs = (material: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  new Map(
    ["controller-manager", "scheduler"].map((name) => [
      `${staticVolumePath(`kube-${name}`)}/${name}.conf`,
      material.get(`kubeconfig/${name}`)!,
    ]),
  );

/** What the static control plane reads on a node. */
export const staticPodFiles = (): IgnitionFile[] =>
  Object.entries(componentFiles()).flatMap(([component, files]) =>
    files.map(({ path, contents }) =>
      rootFile(
        `${staticVolumePath(component)}/${path}`,
        "secret" in contents ? secretSource(contents.secret).source! : encodeDataUrl(contents.text),
      ),
    ),
  );

function staticPods(spec: ClusterSpec): KubeObject[] {
  const settings = selfhostedSettings(spec);
  const { apiServer, controllerManager, scheduler } = workloadNames;
  return [
    staticPod(apiServer, apiServerPod(settings, false), staticVolumePath(apiServer)),
    staticPod(controllerManager, controllerManagerPod(settings, false), staticVolumePath(controllerManager)),
    staticPod(scheduler, schedulerPod(settings, false), staticVolumePath(scheduler)),
  ];
}

/**
 * A control-plane node's config with the static pods in it, for its first boot. Later ones leave the manifests alone: an
 * upgrade or a person may have changed them, and those of a cluster that was self-hosted are its own.
 */
export function withStaticPods(config: IgnitionConfig, spec: ClusterSpec): IgnitionConfig {
  const manifests = staticPods(spec).map((pod) =>
    rootFile(`${places.manifests}/${staticManifest(pod.metadata.name)}`, encodeDataUrl(stringify(pod))),
  );
  const { storage } = config;
  return { ...config, storage: { ...storage, files: [...(storage?.files ?? []), ...manifests] } };
}

const rootFile = (path: string, source: string): IgnitionFile => ({
  path,
  mode: 0o600,
  overwrite: true,
  contents: { source },
});
