import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { messageOf, SlipwayError } from "../../base/errors.js";
import { credentialsFromKubeconfig } from "../../kube/credentials.js";
import { resolveVersion } from "../../spec/kubernetes-version.js";
import { urlList } from "../render/request.js";
import type { RecoverAssetsOptions } from "./recover.js";
import type { EtcdEndpoints, RecoveryFrom } from "./source.js";

type Given<Name extends string> = Partial<Record<Name, string | undefined>>;

/** The flags of a recovery into a directory: bootkube's, and those that it had not. */
export type RecoveryFlags = Given<
  | "kubeconfig"
  | "etcd-servers"
  | "etcd-ca-path"
  | "etcd-certificate-path"
  | "etcd-private-key-path"
  | "etcd-prefix"
  | "etcd-backup-file"
  | "encryption-provider-config"
  | "ca-private-key-path"
  | "kubernetes-version"
>;

export interface RecoveryFacts {
  workingDirectory: string;
  supportedVersions: readonly string[];
  defaultVersion: string;
}

const etcdFiles = ["etcd-ca-path", "etcd-certificate-path", "etcd-private-key-path"] as const;

/**
 * What the flags ask for, with the files that they name.
 *
 * @throws {SlipwayError} `USAGE` for flags that are missing, or do not go together; `CONFIG_INVALID` for a file that cannot be read
 */
export async function recoveryRequest(
  flags: RecoveryFlags,
  { workingDirectory, supportedVersions, defaultVersion }: RecoveryFacts,
): Promise<Omit<RecoverAssetsOptions, "directory">> {
  const pathOf = (flag: keyof RecoveryFlags) => resolve(workingDirectory, flags[flag]!);
  const textOf = (flag: keyof RecoveryFlags) =>
    flags[flag] === undefined ? undefined : read(flag, pathOf(flag));
  const kubeconfig = await textOf("kubeconfig");
  if (kubeconfig === undefined) {
    throw new SlipwayError("USAGE", "--recovery-dir needs --kubeconfig: an administrator's", {
      hint: "of rendered assets: auth/kubeconfig",
    });
  }
  const credentials = credentialsFromKubeconfig(kubeconfig);
  const stored = {
    prefix: flags["etcd-prefix"] ?? "/registry",
    encryption: await textOf("encryption-provider-config"),
    kubernetesVersion: resolveVersion(flags["kubernetes-version"] ?? defaultVersion, supportedVersions),
  };
  const from = ((): RecoveryFrom => {
    if (flags["etcd-servers"] !== undefined && flags["etcd-backup-file"] !== undefined) {
      throw new SlipwayError("USAGE", "--etcd-servers and --etcd-backup-file are two sources", {
        hint: "name one: etcd while it answers, a snapshot of it when it does not",
      });
    }
    if (flags["etcd-servers"] !== undefined) {
      return { origin: "etcd", etcd: endpoints(flags["etcd-servers"], flags, pathOf), ...stored };
    }
    if (flags["etcd-backup-file"] !== undefined) {
      return { origin: "snapshot", file: pathOf("etcd-backup-file"), ...stored };
    }
    return { origin: "api", credentials };
  })();
  return { from, kubeconfig, caKey: await textOf("ca-private-key-path") };
}

function endpoints(
  servers: string,
  flags: RecoveryFlags,
  pathOf: (flag: keyof RecoveryFlags) => string,
): EtcdEndpoints {
  const missing = etcdFiles.filter((flag) => flags[flag] === undefined);
  if (missing.length > 0) {
    throw new SlipwayError("USAGE", `--etcd-servers needs ${missing.map((flag) => `--${flag}`).join(", ")}`, {
      hint: "of rendered assets: tls/etcd-client-ca.crt, tls/etcd-client.crt and tls/etcd-client.key",
    });
  }
  return {
    servers: urlList("etcd-servers", servers).map(({ origin }) => origin),
    caPath: pathOf("etcd-ca-path"),
    certificatePath: pathOf("etcd-certificate-path"),
    keyPath: pathOf("etcd-private-key-path"),
  };
}

async function read(flag: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new SlipwayError("CONFIG_INVALID", `--${flag}: ${messageOf(cause)}`, { cause });
  }
}
