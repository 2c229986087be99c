import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { SlipwayError } from "../../base/errors.js";
import { makeDirectory } from "../../base/files.js";
import { goArchitecture } from "../catalog.js";
import { imageRecipes } from "../image-recipes.js";
import { subjectOf } from "../look-up.js";
import { writeTar } from "../oci/layer.js";
import type { FileContent, TarMember } from "../oci/tar.js";
import { startProgress } from "../progress.js";
import type { Produced } from "../store.js";
import { type ImageReference, parseBearerChallenge, parseImageReference } from "./image-reference.js";
import { maxFileBytes } from "./release.js";
import type { FetchRequest, SourceRun } from "./source.js";

const maxDocumentBytes = 4 * 1024 ** 2;

const descriptor = z.object({
  mediaType: z.string(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  size: z.int().nonnegative(),
});
const indexSchema = z.object({
  manifests: z.array(
    descriptor.extend({ platform: z.object({ os: z.string(), architecture: z.string() }).optional() }),
  ),
});
const manifestSchema = z.object({ config: descriptor, layers: z.array(descriptor).max(128) });

const indexTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];
const manifestTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

/**
 * Pulls an image for this machine's architecture (OCI distribution spec 1.1, "Pulling manifests", "Pulling blobs"), with an
 * anonymous token where the registry wants one, and writes it as an OCI image layout in a tar file. It gets the name that
 * our own objects use, beside its own.
 */
export async function pullImage(
  { component, destination }: FetchRequest,
  reference: string,
  source: "registry" | "mirror",
  run: SourceRun,
): Promise<Produced> {
  const image = parseImageReference(reference);
  const session = new RegistrySession(image, run);
  const manifest = await session.manifest();
  const blobs = uniqueBlobs([manifest.config, ...manifest.layers]);
  const total = blobs.reduce((sum, { size }) => sum + size, 0);
  const bar = startProgress({ subject: subjectOf(component), phase: "download", unit: "bytes" }, run.context);
  const directory = join(dirname(destination), "blobs");
  await makeDirectory(directory, { owner: run.context.owner });
  const done = new Map<string, number>();
  try {
    await Promise.all(
      blobs.map(({ digest, size }) =>
        run.downloads(() =>
          session.blob(digest, size, join(directory, hexOf(digest)), (bytes) => {
            done.set(digest, bytes);
            bar.update(
              [...done.values()].reduce((sum, n) => sum + n, 0),
              total,
            );
          }),
        ),
      ),
    );
    const recipe = imageRecipes[component.name];
    const local = recipe && `${recipe.name}:${component.version.replaceAll("+", "-")}`;
    const names = local === undefined ? [reference] : [reference, local];
    await writeLayout(destination, manifest, blobs, names, directory, run.context.signal);
    await rm(directory, { recursive: true, force: true });
    bar.end("ok");
    return { image: local ?? reference, provenance: { source, origin: `${reference}@${manifest.digest}` } };
  } catch (error) {
    bar.end("failed");
    throw error;
  }
}

type Descriptor = z.infer<typeof descriptor>;

interface PulledManifest {
  mediaType: string;
  digest: string;
  text: string;
  config: Descriptor;
  layers: Descriptor[];
}

class RegistrySession {
  readonly #image: ImageReference;
  readonly #run: SourceRun;
  #headers: Record<string, string> = {};

  constructor(image: ImageReference, run: SourceRun) {
    this.#image = image;
    this.#run = run;
  }

  get #base() {
    return `${this.#image.registryUrl}/v2/${this.#image.repository}`;
  }

  /** The manifest of this machine's platform. */
  async manifest(): Promise<PulledManifest> {
    const first = await this.#document(this.#image.tag);
    if (!indexTypes.includes(first.mediaType)) return this.#parse(first);
    const architecture = goArchitecture();
    const { manifests } = indexSchema.parse(JSON.parse(first.text));
    const ours = manifests.find(
      ({ platform }) => platform?.os === "linux" && platform.architecture === architecture,
    );
    if (!ours) {
      throw new SlipwayError("COMPONENT_UNAVAILABLE", `${this.#base} has no image for linux/${architecture}`);
    }
    return this.#parse(await this.#document(ours.digest));
  }

  #parse({ mediaType, text, digest }: { mediaType: string; text: string; digest: string }): PulledManifest {
    const parsed = manifestSchema.safeParse(JSON.parse(text));
    if (!manifestTypes.includes(mediaType) || !parsed.success) {
      throw new SlipwayError(
        "COMPONENT_CORRUPT",
        `${this.#base} gave a manifest that is none (${mediaType})`,
      );
    }
    return { mediaType, text, digest, ...parsed.data };
  }

  /** A manifest or index by tag or digest; a digest is checked. */
  async #document(name: string): Promise<{ mediaType: string; text: string; digest: string }> {
    const url = `${this.#base}/manifests/${name}`;
    const accept = [...indexTypes, ...manifestTypes].join(", ");
    const request = () =>
      this.#run.http.bytes(url, {
        maxBytes: maxDocumentBytes,
        headers: { accept, ...this.#headers },
        accept: [401],
      });
    let answer = await request();
    if (answer.status === 401 && this.#headers.authorization === undefined) {
      await this.#authorize(answer.headers.get("www-authenticate") ?? "");
      answer = await request();
    }
    if (answer.status !== 200)
      throw new SlipwayError("COMPONENT_UNAVAILABLE", `${url} answers ${answer.status}`);
    const digest = `sha256:${createHash("sha256").update(answer.body).digest("hex")}`;
    if (name.startsWith("sha256:") && name !== digest) {
      throw new SlipwayError("COMPONENT_CORRUPT", `${url} gave a manifest of another hash`, {
        details: { expected: name, found: digest },
      });
    }
    const mediaType = (answer.headers.get("content-type") ?? "").split(";")[0]!.trim();
    return { mediaType, text: answer.body.toString("utf8"), digest };
  }

  async #authorize(challenge: string): Promise<void> {
    const { realm, service, scope } = parseBearerChallenge(challenge) ?? {};
    if (realm === undefined) {
      throw new SlipwayError(
        "COMPONENT_UNAVAILABLE",
        `${this.#image.registryUrl} wants credentials, which slipway does not send`,
      );
    }
    const url = new URL(realm);
    if (service !== undefined) url.searchParams.set("service", service);
    url.searchParams.set("scope", scope ?? `repository:${this.#image.repository}:pull`);
    const text = await this.#run.http.text(url.href, { maxBytes: maxDocumentBytes });
    const answer = z
      .object({ token: z.string().optional(), access_token: z.string().optional() })
      .parse(JSON.parse(text));
    this.#headers = { authorization: `Bearer ${answer.token ?? answer.access_token ?? ""}` };
  }

  blob(
    digest: string,
    size: number,
    destination: string,
    onProgress: (bytes: number) => void,
  ): Promise<void> {
    return this.#run.http.file({
      url: `${this.#base}/blobs/${digest}`,
      destination,
      sha256: hexOf(digest),
      maxBytes: Math.min(size, maxFileBytes),
      headers: this.#headers,
      onProgress,
    });
  }
}

const hexOf = (digest: string) => digest.slice("sha256:".length);

/** An image may name a layer twice. */
const uniqueBlobs = (blobs: readonly Descriptor[]) => [
  ...new Map(blobs.map((blob) => [blob.digest, blob])).values(),
];

/** One manifest under all the names (image-spec, image-layout.md; the annotation is the one containerd imports by). */
async function writeLayout(
  path: string,
  manifest: PulledManifest,
  blobs: readonly Descriptor[],
  names: readonly string[],
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const index = {
    schemaVersion: 2,
    mediaType: indexTypes[0],
    manifests: names.map((name) => ({
      mediaType: manifest.mediaType,
      digest: manifest.digest,
      size: Buffer.byteLength(manifest.text),
      annotations: {
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": name.split(":").at(-1)!,
      },
    })),
  };
  const member = (path: string, sizeBytes: number, content: FileContent): TarMember => ({
    path,
    mode: 0o644,
    type: "File",
    sizeBytes,
    content,
  });
  const text = (path: string, text: string) => member(path, Buffer.byteLength(text), { text });
  const blobPath = (digest: string) => `blobs/sha256/${hexOf(digest)}`;
  await writeTar(
    [
      text("oci-layout", '{"imageLayoutVersion":"1.0.0"}'),
      text("index.json", JSON.stringify(index)),
      text(blobPath(manifest.digest), manifest.text),
      ...blobs.map(({ digest, size }) =>
        member(blobPath(digest), size, { file: join(directory, hexOf(digest)) }),
      ),
    ],
    path,
    signal,
  );
}
