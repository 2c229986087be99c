import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { apiEndpoint, dnsServiceAddress } from "../addresses.js";
import type { PlatformFacts } from "../facts.js";
import { imageNames } from "../images.js";
import type { KubeObject } from "../kube-object.js";

const labels = { "k8s-app": "kube-dns" };
const meta = { namespace: "kube-system", labels };

/** CoreDNS for the cluster's domain; other names go to the node's own name servers, where there are any. */
function corefile(spec: ClusterSpec, facts: PlatformFacts): string {
  const lines = [
    "errors",
    "health",
    "ready",
    `kubernetes ${spec.network.dnsDomain} in-addr.arpa ip6.arpa {\n        pods insecure\n        fallthrough in-addr.arpa ip6.arpa\n        ttl 30\n    }`,
    "prometheus :9153",
    ...(facts.nameservers.length > 0
      ? ["forward . /etc/resolv.conf {\n        max_concurrent 1000\n    }"]
      : []),
    "cache 30",
    "loop",
    "reload",
    "loadbalance",
  ];
  return `.:53 {\n${lines.map((line) => `    ${line}\n`).join("")}}\n`;
}

export function corednsObjects(spec: ClusterSpec, facts: PlatformFacts): KubeObject[] {
  const serviceAccount = { kind: "ServiceAccount", name: "coredns", namespace: "kube-system" };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "coredns", ...meta } },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "system:coredns", labels },
      rules: [
        { apiGroups: [""], resources: ["services", "pods", "namespaces"], verbs: ["list", "watch"] },
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "system:coredns", labels },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "system:coredns" },
      subjects: [serviceAccount],
    },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "coredns", ...meta },
      data: { Corefile: corefile(spec, facts) },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: "kube-dns",
        namespace: "kube-system",
        labels: { ...labels, "kubernetes.io/name": "CoreDNS", "kubernetes.io/cluster-service": "true" },
      },
      spec: {
        clusterIP: dnsServiceAddress(spec),
        selector: labels,
        ports: [
          { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
          { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 },
          { name: "metrics", port: 9153, protocol: "TCP", targetPort: 9153 },
        ],
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "coredns", ...meta },
      spec: {
        replicas: 1,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: "coredns",
            priorityClassName: "system-cluster-critical",
            dnsPolicy: "Default",
            // Starts while its node is still settling: everything else waits for names.
            tolerations: [
              { key: "CriticalAddonsOnly", operator: "Exists" },
              { key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" },
              { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoSchedule" },
            ],
            nodeSelector: { "kubernetes.io/os": "linux" },
            containers: [
              {
                name: "coredns",
                image: imageNames.coredns,
                imagePullPolicy: "IfNotPresent",
                args: ["-conf", "/etc/coredns/Corefile"],
                // Straight to the API server: names must not wait for kube-proxy to know the Service of the API.
                env: [
                  { name: "KUBERNETES_SERVICE_HOST", value: new URL(apiEndpoint(spec)).hostname },
                  { name: "KUBERNETES_SERVICE_PORT", value: String(spec.apiServer.port) },
                ],
                resources: { limits: { memory: "170Mi" }, requests: { cpu: "100m", memory: "70Mi" } },
                ports: [
                  { name: "dns", containerPort: 53, protocol: "UDP" },
                  { name: "dns-tcp", containerPort: 53, protocol: "TCP" },
                  { name: "metrics", containerPort: 9153, protocol: "TCP" },
                ],
                livenessProbe: {
                  httpGet: { path: "/health", port: 8080 },
                  initialDelaySeconds: 60,
                  failureThreshold: 5,
                },
                readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 1 },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  capabilities: { add: ["NET_BIND_SERVICE"], drop: ["ALL"] },
                  readOnlyRootFilesystem: true,
                },
                volumeMounts: [{ name: "config-volume", mountPath: "/etc/coredns", readOnly: true }],
              },
            ],
            volumes: [
              {
                name: "config-volume",
                configMap: { name: "coredns", items: [{ key: "Corefile", path: "Corefile" }] },
              },
            ],
          },
        },
      },
    },
  ];
}
