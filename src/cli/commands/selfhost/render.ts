import { relative, resolve } from "node:path";
import { SlipwayError } from "../../../base/errors.js";
import { defineCommand } from "../../command.js";
import { usage } from "../../usage.js";

export const render = defineCommand({
  name: "selfhost render",
  summary: "Write the assets of a self-hosted control plane: manifests, bootstrap pods, certificates",
  description:
    "Rendering again over the same directory keeps authorities, keys and token, and what you edited, of which it shows how it differs.",
  flags: {
    "asset-dir": {
      type: "string",
      value: "DIR",
      summary: "Where to write: new, empty, or rendered before",
      complete: "file",
    },
    "cluster-name": { type: "string", value: "NAME", summary: "The cluster's name", default: "slipway" },
    "kubernetes-version": {
      type: "string",
      value: "VERSION",
      summary: "v1.36.3, 1.36, stable or latest",
      default: "stable",
    },
    "api-servers": {
      type: "string",
      value: "URLS",
      summary: "Where the API servers are reached; nodes use the first, as that of a load balancer",
      default: "https://127.0.0.1:6443",
    },
    "api-server-alt-names": {
      type: "string",
      value: "NAMES",
      summary: "Further names of their certificate: IP=10.0.0.1,DNS=api.example.com",
      default: "",
    },
    "etcd-servers": {
      type: "string",
      value: "URLS",
      summary: "Where the API servers reach etcd",
      default: "https://127.0.0.1:2379",
    },
    "pod-cidr": { type: "string", value: "CIDR", summary: "Addresses of pods", default: "10.2.0.0/16" },
    "service-cidr": {
      type: "string",
      value: "CIDR",
      summary: "Addresses of Services",
      default: "10.3.0.0/24",
    },
    "network-provider": {
      type: "string",
      value: "NAME",
      summary: "The pod network: flannel, none, or the path of a manifest",
      default: "flannel",
    },
    "control-planes": {
      type: "integer",
      value: "N",
      summary: "How many control-plane nodes there are",
      default: 1,
    },
    "ca-certificate-path": {
      type: "string",
      value: "FILE",
      summary: "Your own authority's certificate",
      complete: "file",
    },
    "ca-private-key-path": {
      type: "string",
      value: "FILE",
      summary: "Your own authority's key",
      complete: "file",
    },
    "etcd-ca-path": {
      type: "string",
      value: "FILE",
      summary: "The authority of an etcd that you run",
      complete: "file",
    },
    "etcd-certificate-path": {
      type: "string",
      value: "FILE",
      summary: "A client certificate of it",
      complete: "file",
    },
    "etcd-private-key-path": {
      type: "string",
      value: "FILE",
      summary: "That certificate's key",
      complete: "file",
    },
    "image-repository": {
      type: "string",
      value: "REPOSITORY",
      summary: "Where nodes get the control plane's images",
      default: "slipway.local",
    },
    "bootstrap-token-ttl": {
      type: "integer",
      value: "HOURS",
      summary: "How long kubelets may join",
      default: 24,
    },
    overwrite: { type: "boolean", summary: "Write also what you edited or removed" },
  },
  examples: [
    ["selfhost render --asset-dir assets --api-servers https://10.0.0.10:6443", "assets for one node"],
    [
      "selfhost render --asset-dir assets --api-servers https://api.example.com:6443 --control-planes 3",
      "for three, behind a load balancer",
    ],
  ],
  outputs: ["text", "json"],
  async run(cli, _, flags) {
    const directory = flags["asset-dir"];
    if (directory === undefined) throw usage("selfhost render needs --asset-dir", "--asset-dir assets");
    const [{ render: renderAssets }, { renderRequest }, { givenMaterial }, { readCniManifest }, catalog] =
      await Promise.all([
        import("../../../selfhost/render/render.js"),
        import("../../../selfhost/render/request.js"),
        import("../../../selfhost/render/given.js"),
        import("../../../cluster/cni-manifest.js"),
        import("../../../components/catalog.js"),
      ]);
    const { imageNames } = await import("../../../plan/images.js");
    const request = renderRequest(flags, {
      supportedVersions: catalog.supportedKubernetesVersions,
      defaultVersion: catalog.defaultKubernetesVersion,
      workingDirectory: cli.workingDirectory,
      checkpointerImage: imageNames.podCheckpointer,
    });
    const target = resolve(cli.workingDirectory, directory);
    const { given, foreign } = await givenMaterial(flags, cli.workingDirectory);
    const assets = await renderAssets(
      {
        assetDirectory: target,
        request,
        networkObjects: await readCniManifest(request.settings.spec),
        given,
        foreign,
        tokenTtlMs: hours(flags["bootstrap-token-ttl"]),
        overwrite: flags.overwrite,
      },
      cli.context,
    );
    const { keptText } = await import("./render-text.js");
    const count = (fate: string) => assets.filter((asset) => asset.fate === fate).length;
    const kept = assets.filter(({ fate }) => fate === "edited" || fate === "removed");
    const where = relative(cli.workingDirectory, target) || ".";
    const fates = assets.map(({ path, fate }) => ({ path, fate }));
    cli.done(
      { directory: target, files: fates },
      [
        `${assets.length} files in ${where}: ${count("new")} new, ${count("updated")} updated, ${kept.length} kept as you have them`,
        ...kept.map(keptText),
      ].join("\n"),
    );
  },
});

function hours(count: number): number {
  if (count >= 1 && count <= 8760) return count * 3_600_000;
  throw new SlipwayError("USAGE", `--bootstrap-token-ttl: ${count} is not a number of hours`, {
    hint: "1 to 8760 hours; 24 is a day",
  });
}
