import type { CertificateRequest } from "../../pki/certificate.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { apiEndpoint } from "../addresses.js";
import { imageNames } from "../images.js";
import type { KubeObject } from "../kube-object.js";
import type { KubeconfigRequest } from "../kubeconfig-request.js";
import { controlPlaneLabel } from "../node-object.js";
import { places } from "../places.js";
import { secretText } from "../secrets.js";

/** On pods that are to be checkpointed: `"true"`. bootkube's, so that its manifests mean the same. */
export const checkpointAnnotation = "checkpointer.alpha.coreos.com/checkpoint";
/** On a static copy: the name of the pod that it was taken from. */
export const checkpointOfAnnotation = "checkpointer.alpha.coreos.com/checkpoint-of";

export const checkpointerName = "pod-checkpointer";
export const checkpointerUser = "slipway:pod-checkpointer";

/** The label of all pods that are to be checkpointed. */
export const controlPlaneTier = { key: "tier", value: "control-plane" } as const;

/** What the guard may roll back. */
export const guardedWorkloads = {
  daemonsets: ["kube-apiserver", checkpointerName],
  deployments: ["kube-controller-manager", "kube-scheduler"],
} as const;

const namespace = "kube-system";
const kubeconfigSecret = "pod-checkpointer-kubeconfig";
const labels = { "k8s-app": checkpointerName, [controlPlaneTier.key]: controlPlaneTier.value };
const healthPort = 10_289;

/** Its user's certificate. */
export const checkpointerCertificate: CertificateRequest = {
  name: checkpointerName,
  authority: "cluster",
  commonName: checkpointerUser,
  organizations: [],
  usages: ["client"],
  dnsNames: [],
  ips: [],
};

/** Its kubeconfig, by the cluster's endpoint: the API server beside it may be the one that is gone. */
export const checkpointerKubeconfig = (spec: ClusterSpec): KubeconfigRequest => ({
  name: checkpointerName,
  certificate: checkpointerCertificate.name,
  user: checkpointerUser,
  server: apiEndpoint(spec),
});

/** The pod-checkpointer, its kubeconfig, and what it may do. */
export function checkpointerObjects(image: string = imageNames.podCheckpointer): KubeObject[] {
  return [account(), role(), roleBinding(), secret(), daemonSet(image)];
}

/** An account without rights, by which audit and policies tell its pods from others. */
const account = (): KubeObject => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name: checkpointerName, namespace, labels },
  automountServiceAccountToken: false,
});

function secret(): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: kubeconfigSecret, namespace, labels },
    type: "Opaque",
    data: { kubeconfig: secretText(`kubeconfig/${checkpointerName}`) },
  };
}

function role(): KubeObject {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: checkpointerName, namespace, labels },
    rules: [
      { apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] },
      { apiGroups: [""], resources: ["secrets", "configmaps"], verbs: ["get"] },
      // Its own namespace's UID tells whether it is the cluster that the checkpoints are of.
      { apiGroups: [""], resources: ["namespaces"], resourceNames: [namespace], verbs: ["get"] },
      { apiGroups: [""], resources: ["events"], verbs: ["create"] },
      {
        apiGroups: ["apps"],
        resources: ["daemonsets", "deployments", "controllerrevisions", "replicasets"],
        verbs: ["list"],
      },
      ...Object.entries(guardedWorkloads).map(([resource, resourceNames]) => ({
        apiGroups: ["apps"],
        resources: [resource],
        resourceNames: [...resourceNames],
        verbs: ["patch"],
      })),
    ],
  };
}

function roleBinding(): KubeObject {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: checkpointerName, namespace, labels },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: checkpointerName },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: checkpointerUser }],
  };
}

function daemonSet(image: string): KubeObject {
  const fromField = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const probe = { httpGet: { host: "127.0.0.1", path: "/healthz", port: healthPort }, timeoutSeconds: 5 };
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: checkpointerName, namespace, labels },
    spec: {
      selector: { matchLabels: { "k8s-app": checkpointerName } },
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
      // A new one that dies young is not called available.
      minReadySeconds: 10,
      template: {
        metadata: { labels, annotations: { [checkpointAnnotation]: "true" } },
        spec: {
          hostNetwork: true,
          serviceAccountName: checkpointerName,
          automountServiceAccountToken: false,
          priorityClassName: "system-node-critical",
          nodeSelector: { [controlPlaneLabel]: "" },
          tolerations: [{ operator: "Exists" }],
          terminationGracePeriodSeconds: 5,
          containers: [
            {
              name: checkpointerName,
              image,
              imagePullPolicy: "IfNotPresent",
              args: [
                "--kubeconfig=/etc/pod-checkpointer/kubeconfig",
                `--directory=${places.kubernetes}`,
                `--runtime-endpoint=unix://${places.containerdSocket}`,
                `--health-port=${healthPort}`,
              ],
              env: [
                fromField("NODE_NAME", "spec.nodeName"),
                fromField("POD_NAMESPACE", "metadata.namespace"),
                // Empty in the DaemonSet's pod: how the two instances on a node are told apart.
                fromField("CHECKPOINT_OF", `metadata.annotations['${checkpointOfAnnotation}']`),
              ],
              livenessProbe: { ...probe, initialDelaySeconds: 10, periodSeconds: 20, failureThreshold: 3 },
              readinessProbe: { ...probe, periodSeconds: 5, failureThreshold: 2 },
              resources: { requests: { cpu: "10m", memory: "64Mi" } },
              securityContext: {
                allowPrivilegeEscalation: false,
                // Files of pods of any user: to write them, and to give them to whom they belong.
                capabilities: { drop: ["ALL"], add: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID"] },
                readOnlyRootFilesystem: true,
                runAsUser: 0,
                seccompProfile: { type: "RuntimeDefault" },
              },
              volumeMounts: [
                { name: "kubeconfig", mountPath: "/etc/pod-checkpointer", readOnly: true },
                { name: "kubernetes", mountPath: places.kubernetes },
                { name: "runtime", mountPath: parentOf(places.containerdSocket) },
                { name: "lock", mountPath: "/run/lock" },
              ],
            },
          ],
          volumes: [
            { name: "kubeconfig", secret: { secretName: kubeconfigSecret, defaultMode: 0o400 } },
            { name: "kubernetes", hostPath: { path: places.kubernetes, type: "Directory" } },
            { name: "runtime", hostPath: { path: parentOf(places.containerdSocket), type: "Directory" } },
            { name: "lock", hostPath: { path: "/run/lock", type: "DirectoryOrCreate" } },
          ],
        },
      },
    },
  };
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));
