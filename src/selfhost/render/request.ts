import { SlipwayError } from "../../base/errors.js";
import { parseAddress } from "../../net/address.js";
import type { CertificateRequest } from "../../pki/certificate.js";
import { clientCertificates } from "../../plan/certificates.js";
import { imageRepository } from "../../plan/images.js";
import type { KubeconfigRequest } from "../../plan/kubeconfig-request.js";
import { planKubeconfigs } from "../../plan/kubeconfigs.js";
import { pki } from "../../plan/places.js";
import { selfhostedCertificates } from "../../plan/selfhosted/plan.js";
import { controlPlaneImages, type SelfhostedSettings } from "../../plan/selfhosted/settings.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { checkCertificateName } from "../../spec/names.js";
import { resolveSpec } from "../../spec/resolve.js";

/** The flags of `render`: bootkube's, with its defaults. */
export interface RenderFlags {
  "api-servers": string;
  "api-server-alt-names": string;
  "etcd-servers": string;
  "pod-cidr": string;
  "service-cidr": string;
  "network-provider": string;
  "cluster-name": string;
  "kubernetes-version": string;
  "image-repository": string;
  "control-planes": number;
}

export interface RenderRequest {
  settings: SelfhostedSettings;
  certificates: CertificateRequest[];
  kubeconfigs: KubeconfigRequest[];
}

export interface RenderFacts {
  supportedVersions: readonly string[];
  defaultVersion: string;
  workingDirectory: string;
  checkpointerImage: string;
}

/**
 * What the flags ask for. Pure.
 *
 * @throws {SlipwayError} `USAGE`, `CONFIG_INVALID`, `ADDRESS_INVALID` that name the flag and what it may be
 */
export function renderRequest(flags: RenderFlags, facts: RenderFacts): RenderRequest {
  const apiServers = urlList("api-servers", flags["api-servers"]);
  const etcdServers = urlList("etcd-servers", flags["etcd-servers"]);
  const [first] = apiServers;
  const names = altNames(flags["api-server-alt-names"]);
  const hosts = apiServers.map(({ hostname }) => hostname);
  const port = first!.port === "" ? 443 : Number(first!.port);
  const provider = flags["network-provider"];
  const form = {
    metadata: { name: flags["cluster-name"] },
    kubernetesVersion: flags["kubernetes-version"],
    bootstrapper: "selfhosted" as const,
    network: { cni: provider, podSubnet: flags["pod-cidr"], serviceSubnet: flags["service-cidr"] },
    apiServer: {
      port,
      names: [...names.dns, ...hosts.filter((host) => !isAddress(host))],
      ips: [...names.ips, ...hosts.filter(isAddress)],
    },
    addons: ["-storage-provisioner", "-default-storageclass"],
  };
  if (provider === "bridge") {
    throw new SlipwayError(
      "USAGE",
      "--network-provider bridge needs the host as router of its own sandbox nodes",
      {
        hint: "--network-provider flannel, none, or the path of a manifest",
      },
    );
  }
  const resolved = resolveSpec(form, { ...facts, takenSubnets: [] });
  const spec: ClusterSpec = { ...resolved, apiServer: { ...resolved.apiServer, endpoint: first!.origin } };
  const settings: SelfhostedSettings = {
    spec,
    endpoint: first!.origin,
    etcdServers: etcdServers.map(({ origin }) => origin),
    controlPlanes: flags["control-planes"],
    images: {
      ...controlPlaneImages(spec.kubernetesVersion, flags["image-repository"]),
      checkpointer: facts.checkpointerImage.replace(`${imageRepository}/`, `${flags["image-repository"]}/`),
    },
    caKeyPath: pki("ca.key"),
    allocateNodeCidrs: true,
  };
  const perNode = new Set(spec.nodes.map(({ name }) => `kubelet/${name}`));
  return {
    settings,
    certificates: [
      ...clientCertificates(),
      ...selfhostedCertificates(spec),
      ...etcdCertificates(etcdServers.map(({ hostname }) => hostname)),
    ],
    // The proxy has its service account, kubelets their bootstrap token.
    kubeconfigs: planKubeconfigs(spec).filter(({ name }) => name !== "proxy" && !perNode.has(name)),
  };
}

/** For those who run etcd: one certificate for its servers, one for its peers, under the authority of its own. */
function etcdCertificates(hosts: string[]): CertificateRequest[] {
  return (["etcd/server", "etcd/peer"] as const).map((name) => ({
    name,
    authority: "etcd",
    commonName: name.replace("/", "-"),
    organizations: [],
    usages: ["server", "client"],
    dnsNames: [...new Set(["localhost", ...hosts.filter((host) => !isAddress(host))])],
    ips: [...new Set(["127.0.0.1", ...hosts.filter(isAddress)])],
  }));
}

/** @throws {SlipwayError} `USAGE` that names the flag */
export function urlList(flag: string, text: string): URL[] {
  const urls = text.split(",").map((part) => part.trim());
  return urls.map((part) => {
    const url = URL.canParse(part) ? new URL(part) : undefined;
    if (url?.protocol === "https:" && url.pathname === "/" && url.username === "") return url;
    throw new SlipwayError("USAGE", `--${flag}: "${part}" is not an https URL of a host and port`, {
      hint: `--${flag}=https://127.0.0.1:${flag === "etcd-servers" ? 2379 : 6443}`,
    });
  });
}

/** `IP=10.0.0.1,DNS=api.example.com`, as bootkube has them. */
function altNames(text: string): { dns: string[]; ips: string[] } {
  const names = { dns: [] as string[], ips: [] as string[] };
  for (const part of text === "" ? [] : text.split(",")) {
    const [, kind, value] = /^(IP|DNS)=(.+)$/.exec(part.trim()) ?? [];
    if (kind === "IP") names.ips.push(parseAddress(value!).text);
    else if (kind === "DNS") {
      checkCertificateName(value!);
      names.dns.push(value!);
    } else {
      throw new SlipwayError("USAGE", `--api-server-alt-names: "${part}" is neither IP=… nor DNS=…`, {
        hint: "--api-server-alt-names=IP=10.0.0.1,DNS=api.example.com",
      });
    }
  }
  return names;
}

const isAddress = (host: string): boolean => {
  try {
    parseAddress(host);
    return true;
  } catch {
    return false;
  }
};
