import { stringify } from "yaml";
import { auditPolicy, authenticationConfiguration } from "../policy.js";
import type { SecretName } from "../secrets.js";

/**
 * A file that a component reads below /etc/kubernetes, wherever it comes from: the Secret of the self-hosted pod, or the
 * bootstrap pod's directory on the node.
 */
export interface ComponentFile {
  /** Below /etc/kubernetes: `pki/etcd/ca.crt`. */
  path: string;
  contents: { secret: SecretName } | { text: string };
}

/** Names of what self-hosting needs beside the certificates of every cluster (certificates.ts, kubeconfigs.ts). */
export const selfhostedNames = {
  /** One serving certificate for all API servers: a Secret is the same on every node. */
  apiServer: "selfhosted/apiserver",
  controllerManager: "selfhosted/controller-manager",
  scheduler: "selfhosted/scheduler",
  bootstrapControllerManager: "bootstrap/controller-manager",
  bootstrapScheduler: "bootstrap/scheduler",
} as const;

const file = (path: string, secret: SecretName): ComponentFile => ({ path, contents: { secret } });
const pair = (path: string, certificate: string): ComponentFile[] => [
  file(`pki/${path}.crt`, `pki/${certificate}.crt`),
  file(`pki/${path}.key`, `pki/${certificate}.key`),
];
const text = (path: string, value: unknown): ComponentFile => ({
  path,
  contents: { text: stringify(value) },
});

export const apiServerFiles = (): ComponentFile[] => [
  file("pki/ca.crt", "pki/ca.crt"),
  file("pki/front-proxy-ca.crt", "pki/front-proxy-ca.crt"),
  file("pki/etcd/ca.crt", "pki/etcd/ca.crt"),
  file("pki/sa.pub", "pki/sa.pub"),
  file("pki/sa.key", "pki/sa.key"),
  ...pair("apiserver", selfhostedNames.apiServer),
  ...pair("apiserver-kubelet-client", "apiserver-kubelet-client"),
  ...pair("apiserver-etcd-client", "apiserver-etcd-client"),
  ...pair("front-proxy-client", "front-proxy-client"),
  file("encryption.yaml", "encryption-config"),
  text("authentication.yaml", authenticationConfiguration),
  text("audit-policy.yaml", auditPolicy),
];

export const controllerManagerFiles = (
  kubeconfig: string = selfhostedNames.controllerManager,
): ComponentFile[] => [
  file("pki/ca.crt", "pki/ca.crt"),
  file("pki/front-proxy-ca.crt", "pki/front-proxy-ca.crt"),
  file("pki/sa.key", "pki/sa.key"),
  file("controller-manager.conf", `kubeconfig/${kubeconfig}`),
];

export const schedulerFiles = (kubeconfig: string = selfhostedNames.scheduler): ComponentFile[] => [
  file("scheduler.conf", `kubeconfig/${kubeconfig}`),
];
