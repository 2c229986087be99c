import { parseDocument } from "yaml";
import { SlipwayError } from "../base/errors.js";

/** Where an API server is and who we are to it. PEM texts, never paths. */
export interface KubeCredentials {
  /** `https://10.77.0.2:6443` */
  server: string;
  caPem: string;
  certificatePem?: string;
  privateKeyPem?: string;
  /** Bearer token, instead of a certificate. */
  token?: string;
  /** The name that the server's certificate must carry, when it is not the host of `server`. */
  serverName?: string;
}

interface NamedEntry<K extends string> {
  name: string;
  [key: string]: unknown;
  entry?: Record<K, Record<string, string>>;
}

/**
 * Reads the credentials of a context (default: the current one) from the text of one kubeconfig.
 *
 * Reads what slipway, kubeadm and minikube's embedded certificates write: inline certificates and tokens. Files and
 * login plugins are refused by name: `kubectl config view --minify --flatten` makes files inline.
 *
 * @throws {SlipwayError} `KUBECONFIG_INVALID`
 */
export function credentialsFromKubeconfig(text: string, context?: string): KubeCredentials {
  const document = parseDocument(text, { prettyErrors: false }); // pretty ones quote the text, which has keys
  const [failure] = document.errors;
  if (failure) throw invalid(failure.message);
  const config = (document.toJS() ?? {}) as Record<string, unknown>;
  const contextName = context ?? config["current-context"];
  if (typeof contextName !== "string" || contextName === "") throw invalid("no current-context is set");
  const { cluster: clusterName, user: userName } = entry(config, "contexts", "context", contextName);
  const cluster = entry(config, "clusters", "cluster", clusterName);
  const user = entry(config, "users", "user", userName);
  if (!cluster.server) throw invalid(`cluster ${clusterName} has no server`);
  const caPem = pem(cluster, "certificate-authority-data");
  if (caPem === undefined) throw invalid(`cluster ${clusterName} has no certificate-authority-data`);
  const certificatePem = pem(user, "client-certificate-data");
  const privateKeyPem = pem(user, "client-key-data");
  if (user.token === undefined && (certificatePem === undefined || privateKeyPem === undefined)) {
    throw invalid(`user ${userName} has neither client-certificate-data and client-key-data nor a token`);
  }
  return {
    server: cluster.server,
    caPem,
    ...(certificatePem === undefined ? {} : { certificatePem }),
    ...(privateKeyPem === undefined ? {} : { privateKeyPem }),
    ...(user.token === undefined ? {} : { token: user.token }),
    ...(cluster["tls-server-name"] === undefined ? {} : { serverName: cluster["tls-server-name"] }),
  };
}

function entry(
  config: Record<string, unknown>,
  list: string,
  kind: string,
  name: string | undefined,
): Record<string, string> {
  const entries = config[list];
  const found = Array.isArray(entries)
    ? entries.find((candidate: NamedEntry<string> | null) => candidate?.name === name)
    : undefined;
  const body: unknown = found?.[kind];
  if (typeof body !== "object" || body === null) throw invalid(`there is no ${kind} ${name ?? ""}`.trimEnd());
  return body as Record<string, string>;
}

function pem(from: Record<string, string>, key: string): string | undefined {
  const data = from[key];
  return data === undefined ? undefined : Buffer.from(String(data), "base64").toString("utf8");
}

const invalid = (why: string) =>
  new SlipwayError("KUBECONFIG_INVALID", `the kubeconfig cannot be used: ${why}`, {
    hint: "kubectl config view --minify --flatten prints one with everything inline",
  });
