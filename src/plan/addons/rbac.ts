import type { KubeObject } from "../kube-object.js";

/** The group of administrators; unlike system:masters, what it may do is an object that can be changed or deleted. */
export const adminGroup = "slipway:cluster-admins";

const bind = (name: string, role: string, subject: { kind: "Group" | "User"; name: string }): KubeObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRoleBinding",
  metadata: { name },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
  subjects: [{ apiGroup: "rbac.authorization.k8s.io", ...subject }],
});

/** The bindings that make the plan's certificates useful. */
export const rbacObjects = (): KubeObject[] => [
  bind(adminGroup, "cluster-admin", { kind: "Group", name: adminGroup }),
  // Logs, exec and metrics go through the API server, which is an ordinary client to the kubelet.
  bind("slipway:apiserver-to-kubelet", "system:kubelet-api-admin", {
    kind: "User",
    name: "kube-apiserver-kubelet-client",
  }),
  // Kubelets renew their own client certificates.
  bind("slipway:kubelet-renewal", "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", {
    kind: "Group",
    name: "system:nodes",
  }),
];
