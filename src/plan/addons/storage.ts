import { imageNames } from "../images.js";
import type { KubeObject } from "../kube-object.js";

const namespace = "kube-system";
const name = "local-path-provisioner";
const labels = { app: name };

/** Where volumes live on a node: on the real disk that also keeps the kubelet's files, so that they survive a restart. */
const volumeDirectory = "/var/lib/kubelet/slipway-volumes";

const helperScript = (body: string): string => `#!/bin/sh\nset -eu\n${body}\n`;

/** local-path-provisioner: PersistentVolumes out of directories of the node that the pod runs on. */
export function storageProvisionerObjects(): KubeObject[] {
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  const role = { apiGroup: "rbac.authorization.k8s.io", name };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace, labels } },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata: { name, namespace, labels },
      rules: [
        {
          apiGroups: [""],
          resources: ["pods"],
          verbs: ["get", "list", "watch", "create", "patch", "update", "delete"],
        },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name, namespace, labels },
      roleRef: { ...role, kind: "Role" },
      subjects,
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name, labels },
      rules: [
        {
          apiGroups: [""],
          resources: ["nodes", "persistentvolumeclaims", "configmaps", "pods", "pods/log"],
          verbs: ["get", "list", "watch"],
        },
        {
          apiGroups: [""],
          resources: ["persistentvolumes"],
          verbs: ["get", "list", "watch", "create", "patch", "update", "delete"],
        },
        { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
        { apiGroups: ["storage.k8s.io"], resources: ["storageclasses"], verbs: ["get", "list", "watch"] },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name, labels },
      roleRef: { ...role, kind: "ClusterRole" },
      subjects,
    },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace, labels },
      data: {
        "config.json": JSON.stringify({
          nodePathMap: [{ node: "DEFAULT_PATH_FOR_NON_LISTED_NODES", paths: [volumeDirectory] }],
        }),
        setup: helperScript('mkdir -m 0777 -p "$VOL_DIR"'),
        teardown: helperScript('rm -rf "$VOL_DIR"'),
        "helperPod.yaml": JSON.stringify({
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name: "helper-pod" },
          spec: {
            priorityClassName: "system-node-critical",
            tolerations: [
              { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
            ],
            containers: [{ name: "helper-pod", image: imageNames.busybox, imagePullPolicy: "IfNotPresent" }],
          },
        }),
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace, labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: name,
            tolerations: [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }],
            containers: [
              {
                name,
                image: imageNames.localPathProvisioner,
                imagePullPolicy: "IfNotPresent",
                command: [
                  "local-path-provisioner",
                  "start",
                  "--config",
                  "/etc/config/config.json",
                  "--configmap-name",
                  name,
                ],
                env: [
                  { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
                  {
                    name: "SERVICE_ACCOUNT_NAME",
                    valueFrom: { fieldRef: { fieldPath: "spec.serviceAccountName" } },
                  },
                ],
                volumeMounts: [{ name: "config", mountPath: "/etc/config/" }],
              },
            ],
            volumes: [{ name: "config", configMap: { name } }],
          },
        },
      },
    },
  ];
}

/** The StorageClass that claims get when they name none. A volume is made on the node of its first pod. */
export const defaultStorageClassObjects = (): KubeObject[] => [
  {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: "standard", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    provisioner: "rancher.io/local-path",
    volumeBindingMode: "WaitForFirstConsumer",
    reclaimPolicy: "Delete",
  },
];
