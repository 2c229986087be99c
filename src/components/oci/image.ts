import { rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Context } from "../../base/context.js";
import { SlipwayError } from "../../base/errors.js";
import { run } from "../../base/run.js";
import { Scope } from "../../base/scope.js";
import { goArchitecture } from "../catalog.js";
import type { StoredComponent } from "../component.js";
import { type ImageDocuments, imageDocuments, provenanceLabels, type RuntimeConfig } from "./documents.js";
import { arrange, directory, type FileCapability, type LayerEntry, symlink, textFile } from "./entry.js";
import { type Blob, writeLayer, writeTar } from "./layer.js";
import { findOwnFile, type OwnFile } from "./own-file.js";
import type { FileContent, TarMember } from "./tar.js";
import { certificateBundle, ensureDebianTree, treeEntries } from "./tree.js";

/** How an image is made of components' binaries and Debian packages. All paths are absolute. */
export interface ImageRecipe extends RuntimeConfig {
  /** The repository: `slipway.local/coredns`. */
  name: string;
  /** The tag, where no component's version gives it. */
  version?: string;
  /** The binaries that go in; the first one's version is the image's. */
  components: readonly ImageBinary[];
  /** Unpacked with all they depend on, without running their scripts. */
  debianPackages?: readonly string[];
  /** Left out of those packages with all below them: regular expressions of paths without the first slash. */
  withoutPaths?: readonly string[];
  /** Files that slipway brings along itself, by path, mode 0644. */
  ownFiles?: Readonly<Record<string, OwnFile>>;
  /** Puts Debian's certificate authorities at /etc/ssl/certs/ca-certificates.crt. */
  caCertificates?: boolean;
  /** Links to the component `busybox` beside it, for each of its commands that nothing else in the image provides. */
  busyboxCommands?: boolean;
  /** Empty directories by path, with their modes. */
  directories?: Readonly<Record<string, number>>;
  /** Texts by path, mode 0644. */
  files?: Readonly<Record<string, string>>;
  /** Symbolic links: path → target. */
  links?: Readonly<Record<string, string>>;
}

export interface ImageBinary {
  /** The component's name in the catalog. */
  name: string;
  path: string;
  capability?: FileCapability;
}

/**
 * Writes an image as an OCI image layout in a tar file (image-spec 1.1, image-layout.md), which containerd and Docker
 * import. The same recipe, inputs and Debian packages give the same bytes.
 *
 * @param inputs the recipe's components, by name
 * @param outPath replaced as a whole, or not at all
 * @returns the reference that containerd knows the image by
 */
export async function writeImage(
  recipe: ImageRecipe,
  inputs: Map<string, StoredComponent>,
  outPath: string,
  context: Context,
): Promise<{ image: string }> {
  const used = recipe.components.map(({ name }) => inputOf(name, inputs, recipe));
  const tag = imageTag(recipe, inputs);
  await using scope = new Scope();
  const layerPath = `${outPath}.layer.partial`;
  const partial = `${outPath}.partial`;
  for (const path of [layerPath, partial]) scope.defer(() => rm(path, { force: true }));
  const layer = await writeLayer(await imageEntries(recipe, inputs, context), layerPath, context.signal);
  const documents = imageDocuments(
    {
      name: recipe.name,
      tag,
      architecture: goArchitecture(),
      labels: provenanceLabels(basename(recipe.name), tag, used),
    },
    recipe,
    layer,
  );
  await writeTar(layoutMembers(documents, layer), partial, context.signal);
  await rename(partial, outPath);
  return { image: `${recipe.name}:${tag}` };
}

/** The tag an image gets: the version of its first component, else the recipe's. */
export function imageTag(recipe: ImageRecipe, inputs: Map<string, StoredComponent>): string {
  const [first] = recipe.components;
  const version = first ? inputOf(first.name, inputs, recipe).version : recipe.version;
  if (version === undefined) {
    throw new SlipwayError("INTERNAL", `the recipe of ${recipe.name} has neither a component nor a version`);
  }
  // `+` may stand in a version (semver §10) but not in a tag.
  return version.replaceAll("+", "-");
}

async function imageEntries(
  recipe: ImageRecipe,
  inputs: Map<string, StoredComponent>,
  context: Context,
): Promise<LayerEntry[]> {
  const entries: LayerEntry[] = [directory("etc"), directory("tmp", 0o1777)];
  if (recipe.debianPackages) {
    const unwanted = new RegExp(`^(?:${(recipe.withoutPaths ?? []).join("|")})(?:/|$)`);
    const tree = await treeEntries(await ensureDebianTree(recipe.debianPackages, context));
    entries.push(...(recipe.withoutPaths ? tree.filter(({ path }) => !unwanted.test(path)) : tree));
  }
  if (recipe.caCertificates) {
    const tree = await ensureDebianTree(["ca-certificates"], context);
    entries.push(textFile("etc/ssl/certs/ca-certificates.crt", await certificateBundle(tree)));
  }
  if (recipe.busyboxCommands) entries.push(...(await busyboxLinks(recipe, inputs, entries, context)));
  for (const { name, path, capability } of recipe.components) {
    const file = inputOf(name, inputs, recipe).path;
    entries.push({
      type: "file",
      path: relative(path),
      mode: 0o755,
      content: { file },
      sizeBytes: (await stat(file)).size,
      ...(capability === undefined ? {} : { capability }),
    });
  }
  for (const [path, own] of Object.entries(recipe.ownFiles ?? {})) {
    const file = await findOwnFile(own);
    entries.push({
      type: "file",
      path: relative(path),
      mode: 0o644,
      content: { file: file.path },
      sizeBytes: file.sizeBytes,
    });
  }
  for (const [path, mode] of Object.entries(recipe.directories ?? {}))
    entries.push(directory(relative(path), mode));
  for (const [path, text] of Object.entries(recipe.files ?? {})) entries.push(textFile(relative(path), text));
  for (const [path, target] of Object.entries(recipe.links ?? {}))
    entries.push(symlink(relative(path), target));
  return arrange(entries);
}

/** Links for the commands of busybox, which is static and so runs here. */
async function busyboxLinks(
  recipe: ImageRecipe,
  inputs: Map<string, StoredComponent>,
  present: LayerEntry[],
  context: Context,
): Promise<LayerEntry[]> {
  const path = recipe.components.find(({ name }) => name === "busybox")?.path ?? "";
  const paths = [...present.map((entry) => entry.path), ...Object.keys(recipe.links ?? {})];
  const taken = new Set(["busybox", ...paths.map((path) => basename(path))]);
  const program = inputOf("busybox", inputs, recipe).path;
  const { stdout } = await run(program, ["--list"], { signal: context.signal });
  return stdout
    .split("\n")
    .filter((command) => command !== "" && !taken.has(command))
    .map((command) => symlink(relative(join(dirname(path), command)), "busybox"));
}

/** The members of the archive, small ones first: a reader knows early what it is about. */
function layoutMembers({ config, manifest, index }: ImageDocuments, layer: Blob): TarMember[] {
  const member = (path: string, sizeBytes: number, content: FileContent): TarMember => ({
    path,
    type: "File",
    mode: 0o644,
    sizeBytes,
    content,
  });
  const text = (path: string, text: string) => member(path, Buffer.byteLength(text), { text });
  return [
    text("oci-layout", '{"imageLayoutVersion":"1.0.0"}'),
    text("index.json", index),
    text(`blobs/sha256/${manifest.sha256}`, manifest.text),
    text(`blobs/sha256/${config.sha256}`, config.text),
    member(`blobs/sha256/${layer.sha256}`, layer.sizeBytes, { file: layer.path }),
  ];
}

function inputOf(name: string, inputs: Map<string, StoredComponent>, recipe: ImageRecipe): StoredComponent {
  const input = inputs.get(name);
  if (!input)
    throw new SlipwayError("INTERNAL", `the image ${recipe.name} was to be written without ${name}`);
  return input;
}

function relative(path: string): string {
  if (!path.startsWith("/")) throw new SlipwayError("INTERNAL", `"${path}" in a recipe is not absolute`);
  return path.slice(1);
}
