import { stringify } from "yaml";
import { corednsObjects } from "../../plan/addons/coredns.js";
import { flannelObjects } from "../../plan/addons/flannel.js";
import { rbacObjects } from "../../plan/addons/rbac.js";
import { breakGlass } from "../../plan/certificates.js";
import { metalFacts } from "../../plan/facts.js";
import type { KubeObject } from "../../plan/kube-object.js";
import type { Material } from "../../plan/material.js";
import { sealObjects } from "../../plan/secrets.js";
import { bootstrapPods } from "../../plan/selfhosted/bootstrap.js";
import { type BootstrapToken, bootstrapTokenObject, joinObjects } from "../../plan/selfhosted/join.js";
import { selfhostedObjects } from "../../plan/selfhosted/objects.js";
import { manifestFile } from "./manifest-files.js";
import type { RenderRequest } from "./request.js";
import { copies, tlsPath } from "./tls-files.js";

/** The files of an asset directory by relative path. All are 0600: most hold secrets. */
export type Assets = Map<string, string>;

export interface AssetInputs {
  request: RenderRequest;
  material: Material;
  token: BootstrapToken;
  /** Of the CNI manifest that the user brings. */
  networkObjects: readonly KubeObject[];
}

/** What bootkube's layout holds: auth/, bootstrap-manifests/, manifests/, tls/. Pure: the same inputs give the same bytes. */
export function renderAssets({ request, material, token, networkObjects }: AssetInputs): Assets {
  const { settings } = request;
  const { spec } = settings;
  const assets: Assets = new Map();
  const secretOf = (name: string): string => material.get(name)!;

  assets.set("auth/kubeconfig", secretOf("kubeconfig/admin"));
  assets.set(`auth/${breakGlass}.kubeconfig`, secretOf(`kubeconfig/${breakGlass}`));
  assets.set("auth/kubeconfig-kubelet", kubeletKubeconfig(request, secretOf("pki/ca.crt"), token));

  for (const [name, contents] of material) {
    if (name.startsWith("pki/")) assets.set(tlsPath(name.slice("pki/".length)), contents);
  }
  for (const [path, name] of Object.entries(copies)) assets.set(path, secretOf(`pki/${name}`));

  for (const { file, pod, files } of bootstrapPods(settings)) {
    assets.set(`bootstrap-manifests/${file}`, stringify(pod));
    for (const { path, contents } of files) {
      const text = "secret" in contents ? secretOf(contents.secret) : contents.text;
      assets.set(`tls/${path}`, text);
    }
  }

  const facts = metalFacts({ cgroupVersion: 2, mayLowerOomScore: true, nameservers: ["/etc/resolv.conf"] });
  const objects = [
    ...rbacObjects().filter(({ metadata }) => metadata.name !== "slipway:kubelet-renewal"),
    ...joinObjects(),
    bootstrapTokenObject(token),
    ...selfhostedObjects(settings),
    ...(spec.network.cni === "flannel" ? flannelObjects(spec) : networkObjects),
    ...corednsObjects(spec, facts),
  ];
  const byFile = new Map<string, KubeObject[]>();
  for (const object of sealObjects(objects, material)) {
    const file = `manifests/${manifestFile(object)}`;
    byFile.set(file, [...(byFile.get(file) ?? []), object]);
  }
  for (const [file, group] of byFile) {
    assets.set(file, group.map((object) => stringify(object)).join("---\n"));
  }
  return assets;
}

/** A kubelet asks for its certificate with the token (`--bootstrap-kubeconfig`). */
function kubeletKubeconfig(
  { settings }: RenderRequest,
  caPem: string,
  { id, secret }: BootstrapToken,
): string {
  const cluster = settings.spec.metadata.name;
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: cluster,
        cluster: {
          server: settings.endpoint,
          "certificate-authority-data": Buffer.from(caPem, "utf8").toString("base64"),
        },
      },
    ],
    users: [{ name: "kubelet", user: { token: `${id}.${secret}` } }],
    contexts: [{ name: cluster, context: { cluster, user: "kubelet" } }],
    "current-context": cluster,
  });
}
