import * as z from "zod";
import { normalizeReference } from "./reference.js";

/** What an archive has, by member name: all names, and the texts that may be JSON documents. */
export interface ArchiveContents {
  names: Set<string>;
  documents: Map<string, string>;
}

const descriptor = z.object({
  mediaType: z.string().optional(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, "is no sha256 digest"),
  annotations: z.record(z.string(), z.string()).optional(),
});
type Descriptor = z.infer<typeof descriptor>;
const layout = z.object({ imageLayoutVersion: z.literal("1.0.0") });
const index = z.object({ manifests: z.array(descriptor) });
const manifest = z.object({ config: descriptor, layers: z.array(descriptor) });
const dockerManifest = z.array(
  z.object({
    Config: z.string(),
    RepoTags: z
      .array(z.string())
      .nullish()
      .transform((tags) => tags ?? []),
    Layers: z.array(z.string()),
  }),
);

/**
 * The references of the images in an archive, in full. As containerd does (core/images/archive/importer.go), an OCI
 * layout is preferred where an archive is both.
 *
 * @throws {Error} saying what the archive lacks
 */
export function imageReferences(contents: ArchiveContents): string[] {
  const isLayout = contents.documents.has("oci-layout");
  if (!isLayout && !contents.documents.has("manifest.json")) {
    throw new Error("it has neither an oci-layout nor a manifest.json");
  }
  const names = isLayout ? ociNames(contents) : dockerNames(contents);
  if (names.length === 0) {
    throw new Error("it does not name its image: save it by NAME:TAG, not by its ID");
  }
  return [...new Set(names.map((name) => normalizeReference(name)))];
}

function ociNames(contents: ArchiveContents): string[] {
  parse(contents, "oci-layout", layout);
  return parse(contents, "index.json", index).manifests.flatMap((image) => {
    requireComplete(contents, image, 0);
    const { annotations = {} } = image;
    // containerd makes a bare tag ("latest") a name of its own that no pod would ask for.
    const name = annotations["io.containerd.image.name"] ?? annotations["org.opencontainers.image.ref.name"];
    return name === undefined || !/[/:]/.test(name) ? [] : [name];
  });
}

const blobName = ({ digest }: Descriptor) => `blobs/${digest.replace(":", "/")}`;

/** An index is complete when one of its images is here (others may be for other platforms), an image when all is. */
function requireComplete(contents: ArchiveContents, image: Descriptor, depth: number): void {
  const name = blobName(image);
  if (!contents.names.has(name)) throw new Error(`it is incomplete: ${image.digest} is missing`);
  if (depth > 2) throw new Error(`its indexes are nested too deeply at ${image.digest}`);
  const nested = index.safeParse(json(contents, name));
  if (nested.success) {
    const present = nested.data.manifests.filter((child) => contents.names.has(blobName(child)));
    if (present.length === 0)
      throw new Error(`it is incomplete: nothing of the index ${image.digest} is there`);
    for (const child of present) requireComplete(contents, child, depth + 1);
    return;
  }
  const { config, layers } = parse(contents, name, manifest);
  for (const blob of [config, ...layers]) {
    if (!contents.names.has(blobName(blob))) throw new Error(`it is incomplete: ${blob.digest} is missing`);
  }
}

function dockerNames(contents: ArchiveContents): string[] {
  return parse(contents, "manifest.json", dockerManifest).flatMap(({ Config, Layers, RepoTags }) => {
    for (const name of [Config, ...Layers]) {
      if (!contents.names.has(name)) throw new Error(`it is incomplete: ${name} is missing`);
    }
    return RepoTags;
  });
}

function parse<T>(contents: ArchiveContents, name: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(json(contents, name));
  if (parsed.success) return parsed.data;
  throw new Error(`its ${name} is not as it should be: ${z.prettifyError(parsed.error)}`);
}

function json(contents: ArchiveContents, name: string): unknown {
  const text = contents.documents.get(name);
  if (text === undefined) throw new Error(`its ${name} is missing or no JSON`);
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`its ${name} is no JSON`);
  }
}
