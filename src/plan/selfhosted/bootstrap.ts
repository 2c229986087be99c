import type { KubeObject } from "../kube-object.js";
import { places } from "../places.js";
import {
  apiServerFiles,
  type ComponentFile,
  controllerManagerFiles,
  schedulerFiles,
  selfhostedNames,
} from "./files.js";
import { apiServerPod, controllerManagerPod, filesVolume, type PodParts, schedulerPod } from "./pods.js";
import type { SelfhostedSettings } from "./settings.js";

/** Where the bootstrap control plane's files are on the node; the directory goes with it. Bootkube's name. */
export const bootstrapSecretsPath = `${places.kubernetes}/bootstrap-secrets`;

/** A static pod of the bootstrap control plane, with what it reads. */
export interface BootstrapPod {
  /** Of its file among the manifests, as bootkube's: `bootstrap-apiserver.yaml`. */
  file: string;
  pod: KubeObject;
  files: ComponentFile[];
}

/** Each static pod's manifest, its name, the directory of its files below the secrets, and those files. */
export const bootstrapParts = [
  {
    file: "bootstrap-apiserver.yaml",
    component: "kube-apiserver",
    files: apiServerFiles(),
  },
  {
    file: "bootstrap-controller-manager.yaml",
    component: "kube-controller-manager",
    files: controllerManagerFiles(selfhostedNames.bootstrapControllerManager),
  },
  {
    file: "bootstrap-scheduler.yaml",
    component: "kube-scheduler",
    files: schedulerFiles(selfhostedNames.bootstrapScheduler),
  },
] as const satisfies { file: string; component: string; files: ComponentFile[] }[];

/** A static pod of the control plane, whose files are in a directory of the node. */
export const staticPod = (name: string, parts: PodParts, filesPath: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    namespace: "kube-system",
    labels: { "k8s-app": name, tier: "control-plane" },
  },
  spec: {
    hostNetwork: true,
    priorityClassName: "system-node-critical",
    automountServiceAccountToken: false,
    securityContext: { seccompProfile: { type: "RuntimeDefault" } },
    // Longer than an API server takes to hand its clients over.
    terminationGracePeriodSeconds: 30,
    containers: parts.containers,
    volumes: [{ name: filesVolume, hostPath: { path: filesPath, type: "Directory" } }, ...parts.volumes],
  },
});

export function bootstrapPods(settings: SelfhostedSettings): BootstrapPod[] {
  const parts: Record<(typeof bootstrapParts)[number]["component"], PodParts> = {
    "kube-apiserver": apiServerPod(settings, true),
    "kube-controller-manager": controllerManagerPod(settings, true),
    "kube-scheduler": schedulerPod(settings, true),
  };
  return bootstrapParts.map(({ file, component, files }) => ({
    file,
    files: files.map((entry) => ({ ...entry, path: `${component}/${entry.path}` })),
    pod: staticPod(`bootstrap-${component}`, parts[component], `${bootstrapSecretsPath}/${component}`),
  }));
}
