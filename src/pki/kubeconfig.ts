import { stringify } from "yaml";

/** A kubeconfig with one cluster, one user and one context (client-go `clientcmd/api/v1` Config). */
export interface Kubeconfig {
  apiVersion: "v1";
  kind: "Config";
  clusters: { name: string; cluster: { server: string; "certificate-authority-data": string } }[];
  users: { name: string; user: { "client-certificate-data": string; "client-key-data": string } }[];
  contexts: { name: string; context: { cluster: string; user: string } }[];
  "current-context": string;
  preferences: Record<string, never>;
}

export interface KubeconfigOptions {
  /** Name of the cluster's entry. */
  cluster: string;
  /** `https://10.77.0.2:6443` */
  server: string;
  caPem: string;
  /** Name of the user's entry. */
  user: string;
  certificatePem: string;
  privateKeyPem: string;
  contextName: string;
}

/** A kubeconfig that holds all that it needs: no file beside it. Its text is a secret. */
export function clusterKubeconfig(options: KubeconfigOptions): { config: Kubeconfig; text: string } {
  const data = (pem: string) => Buffer.from(pem, "utf8").toString("base64");
  const config: Kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: options.cluster,
        cluster: { server: options.server, "certificate-authority-data": data(options.caPem) },
      },
    ],
    users: [
      {
        name: options.user,
        user: {
          "client-certificate-data": data(options.certificatePem),
          "client-key-data": data(options.privateKeyPem),
        },
      },
    ],
    contexts: [{ name: options.contextName, context: { cluster: options.cluster, user: options.user } }],
    "current-context": options.contextName,
    preferences: {},
  };
  return { config, text: stringify(config, { lineWidth: 0 }) };
}
