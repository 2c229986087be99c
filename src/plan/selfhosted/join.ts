import type { KubeObject } from "../kube-object.js";

/** How machines that slipway does not make become nodes: a token that may ask for a kubelet's certificate, and no more. */

const bind = (name: string, role: string, groups: string[]): KubeObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRoleBinding",
  metadata: { name },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
  subjects: groups.map((group) => ({ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: group })),
});

export const joinNames = {
  bootstrap: "system-bootstrap-node-bootstrapper",
  approver: "system-bootstrap-approve-node-client-csr",
  renewal: "system-bootstrap-node-renewal",
} as const;

/** Certificate requests of kubelets: who may send them, and which are approved without a person (KEP TLS bootstrap). */
export const joinObjects = (): KubeObject[] => [
  bind(joinNames.bootstrap, "system:node-bootstrapper", ["system:bootstrappers", "system:nodes"]),
  bind(joinNames.approver, "system:certificates.k8s.io:certificatesigningrequests:nodeclient", [
    "system:bootstrappers",
  ]),
  bind(joinNames.renewal, "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", [
    "system:nodes",
  ]),
];

export interface BootstrapToken {
  /** 6 characters of a–z, 0–9; public. */
  id: string;
  /** 16 characters of the same. */
  secret: string;
  /** RFC 3339; the token cleaner removes it then. */
  expiration: string;
}

/** https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/ */
export const bootstrapTokenObject = ({ id, secret, expiration }: BootstrapToken): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: `bootstrap-token-${id}`, namespace: "kube-system" },
  type: "bootstrap.kubernetes.io/token",
  stringData: {
    description: "Kubelets join the cluster with it",
    "token-id": id,
    "token-secret": secret,
    expiration,
    "usage-bootstrap-authentication": "true",
  },
});
