import ipaddr from "ipaddr.js";
import type { CertificateRequest } from "../pki/certificate.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { apiServiceAddress } from "./addresses.js";

/**
 * A serving certificate of API servers: by the names of their Service, of the nodes that have it, and those that the user wants.
 *
 * @param hosts further names and addresses that they are called by
 */
export function apiServerCertificate(
  spec: ClusterSpec,
  name: string,
  hosts: readonly string[],
): CertificateRequest {
  const isAddress = (host: string) => ipaddr.isValid(host);
  return {
    name,
    authority: "cluster",
    commonName: "kube-apiserver",
    organizations: [],
    usages: ["server"],
    dnsNames: unique([
      "kubernetes",
      "kubernetes.default",
      "kubernetes.default.svc",
      `kubernetes.default.svc.${spec.network.dnsDomain}`,
      "localhost",
      ...hosts.filter((host) => !isAddress(host)),
      ...spec.apiServer.names,
    ]),
    ips: unique([apiServiceAddress(spec), "127.0.0.1", ...hosts.filter(isAddress), ...spec.apiServer.ips]),
  };
}

const unique = (values: string[]): string[] => [...new Set(values)];
