import type { KubeObject } from "../kube-object.js";
import { controlPlaneLabel } from "../node-object.js";
import { secretsHash, secretText } from "../secrets.js";
import { checkpointAnnotation, controlPlaneTier } from "./checkpointer.js";
import { apiServerFiles, type ComponentFile, controllerManagerFiles, schedulerFiles } from "./files.js";
import { apiServerPod, controllerManagerPod, filesVolume, type PodParts, schedulerPod } from "./pods.js";
import type { SelfhostedSettings } from "./settings.js";

const namespace = "kube-system";
const controlPlaneSelector = { [controlPlaneLabel]: "" };

export const workloadNames = {
  apiServer: "kube-apiserver",
  controllerManager: "kube-controller-manager",
  scheduler: "kube-scheduler",
} as const;

const labelsOf = (name: string) => ({ "k8s-app": name, [controlPlaneTier.key]: controlPlaneTier.value });

/** A Secret's keys have no slashes: `pki/etcd/ca.crt` is under `etcd-ca.crt`. */
const keyOf = (path: string): string => path.replace(/^pki\//, "").replaceAll("/", "-");

export function filesSecret(name: string, files: ComponentFile[]): KubeObject {
  const data = Object.fromEntries(
    files.map(({ path, contents }) => [
      keyOf(path),
      "secret" in contents
        ? secretText(contents.secret)
        : Buffer.from(contents.text, "utf8").toString("base64"),
    ]),
  );
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace, labels: labelsOf(name) },
    type: "Opaque",
    data,
  };
}

const secretVolume = (name: string, files: ComponentFile[]) => ({
  name: filesVolume,
  secret: {
    secretName: name,
    defaultMode: 0o400,
    items: files.map(({ path }) => ({ key: keyOf(path), path })),
  },
});

/** On pods that read their certificates once: another hash is another pod. */
export const filesHashAnnotation = "slipway.dev/files-hash";

function template(
  name: string,
  parts: PodParts,
  files: ComponentFile[],
  more: Record<string, unknown>,
  annotations: Record<string, string> = {},
) {
  return {
    metadata: { labels: labelsOf(name), annotations: { [checkpointAnnotation]: "true", ...annotations } },
    spec: {
      nodeSelector: controlPlaneSelector,
      tolerations: [{ operator: "Exists" }],
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { seccompProfile: { type: "RuntimeDefault" } },
      ...more,
      containers: parts.containers,
      volumes: [secretVolume(name, files), ...parts.volumes],
    },
  };
}

/** The API server on every control-plane node. A new version comes up beside the old one, which goes when the new one is ready. */
export function apiServerObjects(settings: SelfhostedSettings): KubeObject[] {
  const name = workloadNames.apiServer;
  const files = apiServerFiles();
  return [
    filesSecret(name, files),
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name, namespace, labels: labelsOf(name) },
      spec: {
        selector: { matchLabels: { "k8s-app": name } },
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        // While both share the port the old one answers the new one's probes too: the new one gets this long to come up, or to fall.
        minReadySeconds: 20,
        revisionHistoryLimit: 10,
        template: template(name, apiServerPod(settings, false), files, {
          hostNetwork: true,
          priorityClassName: "system-node-critical",
          terminationGracePeriodSeconds: 30,
        }),
      },
    },
  ];
}

export const controllerManagerObjects = (settings: SelfhostedSettings): KubeObject[] =>
  leaderElected(
    workloadNames.controllerManager,
    controllerManagerPod(settings, false),
    controllerManagerFiles(),
    settings,
  );

export const schedulerObjects = (settings: SelfhostedSettings): KubeObject[] =>
  leaderElected(workloadNames.scheduler, schedulerPod(settings, false), schedulerFiles(), settings);

const secretsOf = (files: readonly ComponentFile[]) =>
  files.flatMap(({ contents }) => ("secret" in contents ? [contents.secret] : []));

/** One on every control-plane node, of which one leads. */
function leaderElected(
  name: string,
  parts: PodParts,
  files: ComponentFile[],
  { controlPlanes }: SelfhostedSettings,
): KubeObject[] {
  const selector = { matchLabels: { "k8s-app": name } };
  const metadata = { name, namespace, labels: labelsOf(name) };
  return [
    filesSecret(name, files),
    { apiVersion: "v1", kind: "ServiceAccount", metadata, automountServiceAccountToken: false },
    // What their certificate's user may do, said where the rest of them is; nobody gets a token that may.
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: `slipway:${name}`, labels: labelsOf(name) },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: `system:${name}` },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: `system:${name}` }],
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        replicas: controlPlanes,
        selector,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        progressDeadlineSeconds: 120,
        template: template(
          name,
          parts,
          files,
          {
            // An account without rights, by which audit and policies tell their pods from others.
            serviceAccountName: name,
            priorityClassName: "system-cluster-critical",
            topologySpreadConstraints: [
              {
                maxSkew: 1,
                topologyKey: "kubernetes.io/hostname",
                whenUnsatisfiable: "ScheduleAnyway",
                labelSelector: selector,
                // Those of the version before, which go, would keep its place from the last new one.
                matchLabelKeys: ["pod-template-hash"],
              },
            ],
          },
          // Kubeconfigs are read once; the API server reads its files again when they change.
          { [filesHashAnnotation]: secretsHash(secretsOf(files)) },
        ),
      },
    },
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: { maxUnavailable: 1, selector },
    },
  ];
}
