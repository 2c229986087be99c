import { selfhostedNames } from "../../plan/selfhosted/files.js";

/**
 * Where the assets keep the material, which plans know by other names: bootkube's layout of tls/. Etcd's authority is one
 * of its own, for servers, peers and clients.
 */
const renamed: Record<string, string> = {
  [selfhostedNames.apiServer]: "apiserver",
  "apiserver-etcd-client": "etcd-client",
  "etcd/ca": "etcd-client-ca",
  sa: "service-account",
};

/** `etcd/ca.crt` → `tls/etcd-client-ca.crt` */
export function tlsPath(file: string): string {
  const [, base = "", ending = ""] = /^(.*)(\.[a-z]+)$/.exec(file) ?? [];
  return `tls/${renamed[base] ?? base}${ending}`;
}

/** The way back. */
export function materialFile(path: string): string {
  const [, base = "", ending = ""] = /^tls\/(.*)(\.[a-z]+)$/.exec(path) ?? [];
  const known = Object.entries(renamed).find(([, value]) => value === base);
  return `${known?.[0] ?? base}${ending}`;
}

/** Certificates that bootkube has a second time, where etcd's own servers look for them. */
export const copies: Record<string, string> = {
  "tls/etcd/server-ca.crt": "etcd/ca.crt",
  "tls/etcd/peer-ca.crt": "etcd/ca.crt",
};
