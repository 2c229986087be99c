import type { Manifest } from "../../../src/kube/wire.js";

/** A list of objects as a start applies it: of every stage, out of order, `count` of them or a few more. */
export function someObjects(namespace: string, count = 60): Manifest[] {
  const labels = { app: namespace };
  const objects: Manifest[] = [];
  for (let i = 0; objects.length < count; i++) {
    const name = `o${i}`;
    objects.push(
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name, namespace, labels },
        spec: {
          selector: { matchLabels: { app: name } },
          template: {
            metadata: { labels: { app: name } },
            spec: { serviceAccountName: name, containers: [{ name, image: "example/none:1" }] },
          },
        },
      },
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRoleBinding",
        metadata: { name: `${namespace}:${name}`, labels },
        roleRef: {
          apiGroup: "rbac.authorization.k8s.io",
          kind: "ClusterRole",
          name: `${namespace}:${name}`,
        },
        subjects: [{ kind: "ServiceAccount", name, namespace }],
      },
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRole",
        metadata: { name: `${namespace}:${name}`, labels },
        rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] }],
      },
      configMap(namespace, name),
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace, labels } },
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name, namespace, labels },
        spec: { selector: labels, ports: [{ port: 53, protocol: "UDP" }] },
      },
    );
  }
  objects.push({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } });
  return objects;
}

export const configMap = (namespace: string, name: string, data: Record<string, string> = {}): Manifest => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace, labels: { app: namespace } },
  data,
});

/** A definition and two objects of it, the definition last. */
export const customObjects = (group: string, namespace: string): Manifest[] => [
  {
    apiVersion: `${group}/v1`,
    kind: "Boat",
    metadata: { name: "dinghy", namespace },
    spec: { masts: 1 },
  },
  { apiVersion: `${group}/v1`, kind: "Boat", metadata: { name: "schooner", namespace }, spec: { masts: 2 } },
  {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `boats.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural: "boats", singular: "boat", kind: "Boat", listKind: "BoatList" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: { spec: { type: "object", properties: { masts: { type: "integer" } } } },
            },
          },
        },
      ],
    },
  },
];
