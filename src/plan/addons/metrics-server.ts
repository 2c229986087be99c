import type { CertificateRequest } from "../../pki/certificate.js";
import { imageNames } from "../images.js";
import type { KubeObject } from "../kube-object.js";
import { pki } from "../places.js";
import { secretText } from "../secrets.js";

const namespace = "kube-system";
const name = "metrics-server";
const secret = "metrics-server-tls";
const labels = { "k8s-app": name };

/** What the API server, which passes requests on to it, knows it by: the name of its Service. */
export const metricsServerCertificate: CertificateRequest = {
  name,
  authority: "cluster",
  commonName: name,
  organizations: [],
  usages: ["server"],
  dnsNames: [`${name}.${namespace}`, `${name}.${namespace}.svc`],
  ips: [],
};

/**
 * metrics-server: `kubectl top` and the HorizontalPodAutoscaler. It trusts kubelets by the cluster's own authority, and the
 * API server trusts it by the same.
 */
export function metricsServerObjects(): KubeObject[] {
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  const clusterRole = (roleName: string) => ({
    apiGroup: "rbac.authorization.k8s.io",
    kind: "ClusterRole",
    name: roleName,
  });
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace, labels } },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: {
        name: "system:aggregated-metrics-reader",
        labels: {
          ...labels,
          "rbac.authorization.k8s.io/aggregate-to-admin": "true",
          "rbac.authorization.k8s.io/aggregate-to-edit": "true",
          "rbac.authorization.k8s.io/aggregate-to-view": "true",
        },
      },
      rules: [
        { apiGroups: ["metrics.k8s.io"], resources: ["pods", "nodes"], verbs: ["get", "list", "watch"] },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: `system:${name}`, labels },
      rules: [
        { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
        { apiGroups: [""], resources: ["pods", "nodes"], verbs: ["get", "list", "watch"] },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: "metrics-server-auth-reader", namespace, labels },
      roleRef: {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "Role",
        name: "extension-apiserver-authentication-reader",
      },
      subjects,
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "metrics-server:system:auth-delegator", labels },
      roleRef: clusterRole("system:auth-delegator"),
      subjects,
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: `system:${name}`, labels },
      roleRef: clusterRole(`system:${name}`),
      subjects,
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace, labels },
      spec: { selector: labels, ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: "https" }] },
    },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: secret, namespace, labels },
      type: "kubernetes.io/tls",
      data: {
        "tls.crt": secretText(`pki/${metricsServerCertificate.name}.crt`),
        "tls.key": secretText(`pki/${metricsServerCertificate.name}.key`),
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace, labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0 } },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: name,
            priorityClassName: "system-cluster-critical",
            tolerations: [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }],
            nodeSelector: { "kubernetes.io/os": "linux" },
            containers: [
              {
                name,
                image: imageNames.metricsServer,
                imagePullPolicy: "IfNotPresent",
                args: [
                  "--tls-cert-file=/etc/slipway/tls/tls.crt",
                  "--tls-private-key-file=/etc/slipway/tls/tls.key",
                  "--secure-port=10250",
                  "--kubelet-preferred-address-types=InternalIP,Hostname",
                  "--kubelet-use-node-status-port",
                  "--metric-resolution=15s",
                  "--kubelet-certificate-authority=/etc/slipway/ca.crt",
                ],
                ports: [{ name: "https", containerPort: 10250, protocol: "TCP" }],
                livenessProbe: {
                  httpGet: { path: "/livez", port: "https", scheme: "HTTPS" },
                  failureThreshold: 3,
                  periodSeconds: 10,
                },
                readinessProbe: {
                  httpGet: { path: "/readyz", port: "https", scheme: "HTTPS" },
                  periodSeconds: 2,
                  failureThreshold: 5,
                },
                resources: { requests: { cpu: "50m", memory: "100Mi" } },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  capabilities: { drop: ["ALL"] },
                  readOnlyRootFilesystem: true,
                  runAsNonRoot: true,
                  runAsUser: 65534,
                  seccompProfile: { type: "RuntimeDefault" },
                },
                volumeMounts: [
                  { name: "tls", mountPath: "/etc/slipway/tls", readOnly: true },
                  { name: "cluster-ca", mountPath: "/etc/slipway/ca.crt", readOnly: true },
                ],
              },
            ],
            volumes: [
              { name: "tls", secret: { secretName: secret } },
              { name: "cluster-ca", hostPath: { path: pki("ca.crt"), type: "File" } },
            ],
          },
        },
      },
    },
    {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: "v1beta1.metrics.k8s.io", labels },
      spec: {
        group: "metrics.k8s.io",
        version: "v1beta1",
        service: { name, namespace },
        groupPriorityMinimum: 100,
        versionPriority: 100,
        caBundle: secretText("pki/ca.crt"),
      },
    },
  ];
}
