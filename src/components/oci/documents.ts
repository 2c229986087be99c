import { createHash } from "node:crypto";
import type { StoredComponent } from "../component.js";
import type { Blob } from "./layer.js";
import { imageTime } from "./tar.js";

/** What runs in a container of the image, by OCI's names (image-spec config.md). */
export interface RuntimeConfig {
  entrypoint?: readonly string[];
  cmd?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** `uid`, `uid:gid` or names of the image's /etc/passwd. @default root */
  user?: string;
  workingDir?: string;
  exposedPorts?: readonly string[];
}

/** A small blob with its contents. */
export interface Document {
  mediaType: string;
  text: string;
  sha256: string;
}

export interface ImageDocuments {
  config: Document;
  manifest: Document;
  /** The text of index.json. */
  index: string;
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The three JSON documents of an image with one layer (image-spec 1.1: config.md, manifest.md, image-index.md). */
export function imageDocuments(
  image: { name: string; tag: string; architecture: string; labels: Record<string, string> },
  runtime: RuntimeConfig,
  layer: Blob,
): ImageDocuments {
  const { entrypoint, cmd, user, workingDir, exposedPorts } = runtime;
  const env = { PATH: defaultPath, ...runtime.env };
  const config = document("application/vnd.oci.image.config.v1+json", {
    created: imageTime.toISOString(),
    architecture: image.architecture,
    os: "linux",
    config: {
      ...(user === undefined ? {} : { User: user }),
      ...(exposedPorts === undefined
        ? {}
        : { ExposedPorts: Object.fromEntries(exposedPorts.map((p) => [p, {}])) }),
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
      ...(cmd === undefined ? {} : { Cmd: cmd }),
      WorkingDir: workingDir ?? "/",
      Labels: image.labels,
    },
    rootfs: { type: "layers", diff_ids: [`sha256:${layer.sha256}`] },
    history: [{ created: imageTime.toISOString(), created_by: "slipway" }],
  });
  const manifest = document("application/vnd.oci.image.manifest.v1+json", {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: descriptor(config),
    layers: [
      {
        mediaType: "application/vnd.oci.image.layer.v1.tar",
        digest: `sha256:${layer.sha256}`,
        size: layer.sizeBytes,
      },
    ],
  });
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [
      {
        ...descriptor(manifest),
        platform: { architecture: image.architecture, os: "linux" },
        annotations: {
          // The name containerd gives it on import (containerd, core/images/annotations.go).
          "io.containerd.image.name": `${image.name}:${image.tag}`,
          "org.opencontainers.image.ref.name": image.tag,
        },
      },
    ],
  });
  return { config, manifest, index };
}

/** Labels that say what the image is of and how that was come by. */
export function provenanceLabels(
  title: string,
  version: string,
  inputs: readonly StoredComponent[],
): Record<string, string> {
  return {
    "org.opencontainers.image.title": title,
    "org.opencontainers.image.version": version,
    "slipway.dev/built-by": "slipway",
    ...Object.fromEntries(
      inputs.map(({ name, version, provenance }) => [
        `slipway.dev/source.${name}`,
        `${name} ${version} from ${provenance.source}: ${provenance.origin}`,
      ]),
    ),
  };
}

function document(mediaType: string, value: unknown): Document {
  const text = JSON.stringify(value);
  return { mediaType, text, sha256: createHash("sha256").update(text).digest("hex") };
}

const descriptor = ({ mediaType, text, sha256 }: Document) => ({
  mediaType,
  digest: `sha256:${sha256}`,
  size: Buffer.byteLength(text),
});
