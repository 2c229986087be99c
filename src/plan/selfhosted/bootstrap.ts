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

export function bootstrapPods(settings: SelfhostedSettings): BootstrapPod[] {
  const make = (
    component: string,
    parts: PodParts,
    file: string,
    files: ComponentFile[],
    directory: string,
  ): BootstrapPod => ({
    file,
    files: files.map((entry) => ({ ...entry, path: `${directory}/${entry.path}` })),
    pod: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `bootstrap-${component}`,
        namespace: "kube-system",
        labels: { "k8s-app": `bootstrap-${component}`, tier: "control-plane" },
      },
      spec: {
        hostNetwork: true,
        priorityClassName: "system-node-critical",
        automountServiceAccountToken: false,
        securityContext: { seccompProfile: { type: "RuntimeDefault" } },
        // Longer than an API server takes to hand its clients over.
        terminationGracePeriodSeconds: 30,
        containers: parts.containers,
        volumes: [
          {
            name: filesVolume,
            hostPath: { path: `${bootstrapSecretsPath}/${directory}`, type: "Directory" },
          },
          ...parts.volumes,
        ],
      },
    },
  });
  return [
    make(
      "kube-apiserver",
      apiServerPod(settings, true),
      "bootstrap-apiserver.yaml",
      apiServerFiles(),
      "kube-apiserver",
    ),
    make(
      "kube-controller-manager",
      controllerManagerPod(settings, true),
      "bootstrap-controller-manager.yaml",
      controllerManagerFiles(selfhostedNames.bootstrapControllerManager),
      "kube-controller-manager",
    ),
    make(
      "kube-scheduler",
      schedulerPod(settings, true),
      "bootstrap-scheduler.yaml",
      schedulerFiles(selfhostedNames.bootstrapScheduler),
      "kube-scheduler",
    ),
  ];
}
