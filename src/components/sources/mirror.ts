import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, SlipwayError } from "../../base/errors.js";
import { writeError } from "../../base/files.js";
import { expand } from "../catalog.js";
import type { Component } from "../catalog-entry.js";
import { hashFile } from "../store.js";
import { publishedHash } from "./checksums.js";
import { pullImage } from "./pull-image.js";
import { downloadRelease } from "./release.js";
import type { FetchRequest, Source, SourceRun } from "./source.js";

/**
 * What the user names: a place laid out as dl.k8s.io/release (`<version>/bin/linux/<arch>/<name>`; for what is not of
 * Kubernetes `<name>/<version>/bin/linux/<arch>/<name>`), each file with a `.sha256` beside it; and a registry path that has the
 * images under their own names, as kubeadm's imageRepository.
 */
export function mirrorSource({
  binaryMirror,
  imageRepository,
}: {
  binaryMirror?: string | undefined;
  imageRepository?: string | undefined;
}): Source {
  return {
    kind: "mirror",
    groupOf: ({ name, entry: { kind, registry } }) => {
      if (kind === "binary" && binaryMirror !== undefined) return name;
      return registry !== undefined && imageRepository !== undefined ? name : undefined;
    },
    async fetch([request], run) {
      const { component } = request!;
      if (component.entry.kind === "image") return [await mirrored(request!, imageRepository!, run)];
      const path = mirrorPath(component);
      const origin = /^https?:/.test(binaryMirror!)
        ? await downloadRelease([request!], releaseIn(binaryMirror!, path), run)
        : await copyFrom(binaryMirror!, path, request!, run);
      return [{ provenance: { source: "mirror", origin } }];
    },
  };
}

const mirrorPath = ({ entry: { upstream } }: Component) =>
  upstream?.url.startsWith("https://dl.k8s.io/release/")
    ? upstream.url.slice("https://dl.k8s.io/release/".length)
    : "{name}/{version}/bin/linux/{arch}/{name}";

function releaseIn(mirror: string, path: string) {
  const url = `${mirror.replace(/\/+$/, "")}/${path}`;
  return { url, checksumUrl: `${url}.sha256` };
}

async function copyFrom(
  mirror: string,
  path: string,
  { component, destination }: FetchRequest,
  { context }: SourceRun,
): Promise<string> {
  const directory = mirror.startsWith("file:") ? fileURLToPath(mirror) : mirror;
  const file = join(directory, expand(path, component));
  const published = await readFile(`${file}.sha256`, "utf8").catch((error: unknown) => {
    throw new SlipwayError("COMPONENT_UNAVAILABLE", `${file}.sha256 cannot be read: ${messageOf(error)}`);
  });
  const expected = publishedHash(published, component.name);
  await copyFile(file, destination).catch((error: unknown) => {
    throw writeError(destination, error);
  });
  const found = await hashFile(destination, context.signal);
  if (found !== expected) {
    throw new SlipwayError("COMPONENT_CORRUPT", `${file} has another hash than is published beside it`, {
      details: { expected: `sha256 ${expected}`, found: `sha256 ${found}` },
    });
  }
  return file;
}

async function mirrored(request: FetchRequest, repository: string, run: SourceRun) {
  const upstream = expand(request.component.entry.registry!, request.component);
  const reference = `${repository.replace(/\/+$/, "")}/${upstream.split("/").at(-1)}`;
  return pullImage(request, reference, "mirror", run);
}
