import { createHash } from "node:crypto";
import type { KubeObject } from "./kube-object.js";

/** Files of policy that the API server reads. */

/**
 * Anonymous requests reach the health paths only. Users are known by certificates, bootstrap tokens and service-account
 * tokens; there is no JWT issuer unless the user brings one.
 */
export const authenticationConfiguration = {
  apiVersion: "apiserver.config.k8s.io/v1",
  kind: "AuthenticationConfiguration",
  anonymous: { enabled: true, conditions: [{ path: "/livez" }, { path: "/readyz" }, { path: "/healthz" }] },
};

/**
 * Who did what: every change with its user, never the contents of Secrets and the like. The components' own reads and
 * heartbeats are left out; they are most of the traffic and none of the story.
 */
export const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    {
      level: "None",
      verbs: ["get", "list", "watch"],
      userGroups: ["system:nodes", "system:serviceaccounts:kube-system"],
    },
    {
      level: "None",
      users: [
        "system:kube-controller-manager",
        "system:kube-scheduler",
        "system:kube-proxy",
        "system:apiserver",
      ],
      verbs: ["get", "list", "watch"],
    },
    { level: "None", resources: [{ group: "coordination.k8s.io", resources: ["leases"] }] },
    { level: "None", resources: [{ group: "", resources: ["events"] }, { group: "events.k8s.io" }] },
    { level: "None", nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/version", "/openapi/*"] },
    {
      level: "None",
      userGroups: ["system:nodes"],
      resources: [{ group: "", resources: ["nodes/status", "pods/status"] }],
    },
    { level: "Metadata" },
  ],
};

/**
 * Secrets are encrypted in etcd. `identity` last reads what was written before; nothing is written with it.
 * @param key 32 random bytes, base64
 */
export const encryptionConfiguration = (key: string): Omit<KubeObject, "metadata"> => ({
  apiVersion: "apiserver.config.k8s.io/v1",
  kind: "EncryptionConfiguration",
  resources: [
    {
      resources: ["secrets"],
      providers: [{ secretbox: { keys: [{ name: "key1", secret: key }] } }, { identity: {} }],
    },
  ],
});

/** By what a key is known without being told: a hash of 256 random bits tells nothing of them. @param key as above */
export const encryptionKeyId = (key: string): string =>
  createHash("sha256").update(key.trim()).digest("hex").slice(0, 16);
