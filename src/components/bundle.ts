import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { chown, link, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as z from "zod";
import type { Context } from "../base/context.js";
import { isSlipwayError, messageOf, SlipwayError } from "../base/errors.js";
import { makeDirectory, writeError } from "../base/files.js";
import { acquireLock } from "../base/lock.js";
import { Scope } from "../base/scope.js";
import { readArchive } from "./archive.js";
import { goArchitecture } from "./catalog.js";
import type { ComponentRef, StoredComponent } from "./component.js";
import { type TarMember, tarBytes } from "./oci/tar.js";
import { startProgress } from "./progress.js";
import { checkRef, hashFile, lockComponent, lookUp, publish } from "./store.js";
import { checkTreeArchive } from "./tree-archive.js";

/*
 * A bundle is a tar file: index.json first, then each component's file as files/<sha256>. The same components give the same
 * bytes.
 */

const maxIndexBytes = 4 * 1024 ** 2;
const maxBundleBytes = 64 * 1024 ** 3;

const sourceKinds = ["bundle", "mirror", "upstream", "registry", "debian", "go-module", "recipe"] as const;

const indexSchema = z.strictObject({
  apiVersion: z.literal("slipway.dev/v1alpha1"),
  kind: z.literal("Bundle"),
  platform: z.string(),
  components: z.array(
    z.strictObject({
      name: z.string(),
      version: z.string(),
      kind: z.enum(["binary", "archive", "image"]),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      sizeBytes: z.int().nonnegative(),
      provenance: z.strictObject({ source: z.enum(sourceKinds), origin: z.string() }),
      image: z.string().optional(),
    }),
  ),
});

type BundleIndex = z.infer<typeof indexSchema>;
const platform = () => `linux/${goArchitecture()}`;

type BundledComponent = BundleIndex["components"][number];

/** What a bundle holds. */
export interface BundleSummary {
  components: Omit<StoredComponent, "path">[];
  sizeBytes: number;
}

/**
 * Writes a bundle of components that the store has. Each file's hash is taken again on the way.
 *
 * @param path replaced as a whole, or not at all
 * @throws {SlipwayError} `OFFLINE_MISSING` for what the store has not, `COMPONENT_CORRUPT`, `DISK_FULL`
 */
export async function createBundle(
  refs: readonly ComponentRef[],
  path: string,
  context: Context,
): Promise<BundleSummary> {
  const stored = await storedAll(refs, context);
  // Through the schema: its order of keys, whatever the markers' is.
  const index: BundleIndex = indexSchema.parse({
    apiVersion: "slipway.dev/v1alpha1",
    kind: "Bundle",
    platform: platform(),
    components: stored.map(({ path: _path, recipe: _recipe, ...component }) => component),
  });
  const partial = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  await using scope = new Scope();
  scope.defer(() => rm(partial, { force: true }));
  const bar = startProgress({ subject: basename(path), phase: "build", unit: "files" }, context);
  const first = textMember("index.json", `${JSON.stringify(index, null, 2)}\n`);
  const files = new Map(stored.map((component) => [component.sha256, component]));
  function* members(): Generator<TarMember> {
    yield first;
    let done = 0;
    for (const component of files.values()) {
      bar.update(done, files.size, component.name);
      yield fileMember(component);
      done += 1;
    }
  }
  try {
    const out = createWriteStream(partial, { flush: true, mode: 0o644 });
    await pipeline(Readable.from(tarBytes(members()), { objectMode: false }), out, {
      signal: context.signal,
    });
  } catch (error) {
    bar.end("failed");
    context.signal.throwIfAborted();
    throw writeError(path, error);
  }
  if (context.owner) await chown(partial, context.owner.uid, context.owner.gid);
  await rename(partial, path);
  bar.end("ok");
  return { components: index.components as BundleSummary["components"], sizeBytes: (await stat(path)).size };
}

const textMember = (path: string, text: string): TarMember => ({
  path,
  mode: 0o644,
  type: "File",
  sizeBytes: Buffer.byteLength(text),
  content: { text },
});

const fileMember = ({ sha256, sizeBytes, path: file }: StoredComponent): TarMember => ({
  path: `files/${sha256}`,
  mode: 0o644,
  type: "File",
  sizeBytes,
  content: { file, sha256 },
});

async function storedAll(refs: readonly ComponentRef[], context: Context): Promise<StoredComponent[]> {
  const key = ({ name, version }: ComponentRef) => `${name} ${version}`;
  const distinct = [...new Map(refs.map((ref) => [key(ref), ref])).values()];
  const found = await Promise.all(distinct.map((ref) => lookUp(ref, context)));
  const missing = distinct.filter((_, i) => found[i] === undefined);
  if (missing.length > 0) {
    throw new SlipwayError(
      "OFFLINE_MISSING",
      `the store lacks ${missing.length} of what the bundle is to hold`,
      {
        details: { missing: missing.map(key).join(", ") },
        hint: "slipway components fetch",
      },
    );
  }
  return found.flatMap((stored) => stored ?? []).sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/**
 * Takes all components of a bundle into the store. Every file is there and has its hash before the first one gets in.
 *
 * @throws {SlipwayError} `BUNDLE_INVALID` with what is wrong; the store is as it was.
 */
export async function loadBundle(path: string, context: Context): Promise<StoredComponent[]> {
  await using scope = new Scope();
  // One at a time: so a run that was killed leaves at most one such directory, and the next one empties it.
  scope.use(await lockBundles(context));
  const staging = join(context.paths.cache, "components", "incoming", "bundle");
  await rm(staging, { recursive: true, force: true });
  await makeDirectory(staging, { owner: context.owner });
  scope.defer(() => rm(staging, { recursive: true, force: true }));
  const index = await unpack(path, staging, context);
  const stored: StoredComponent[] = [];
  for (const bundled of index.components) stored.push(await take(bundled, path, staging, context));
  return stored;
}

const lockBundles = ({ paths, signal, owner }: Context) =>
  acquireLock(join(paths.cache, "components", "locks", "bundle"), {
    what: "the loading of bundles",
    waitMs: 3600 * 1000,
    signal,
    owner,
  });

async function unpack(path: string, staging: string, context: Context): Promise<BundleIndex> {
  const bar = startProgress({ subject: basename(path), phase: "unpack", unit: "bytes" }, context);
  try {
    const total = (await stat(path)).size;
    const seen = new Set<string>();
    let done = 0;
    const visit = ({ path: member, sizeBytes }: { path: string; sizeBytes: number }) => {
      done += sizeBytes;
      bar.update(done, total);
      const name = member === "index.json" ? member : /^files\/([0-9a-f]{64})$/.exec(member)?.[1];
      if (name === undefined || seen.has(name))
        throw new Error(`it holds ${member}, which does not belong there`);
      if (seen.size === 0 && name !== "index.json") throw new Error("it does not begin with index.json");
      if (name === "index.json" && sizeBytes > maxIndexBytes) throw new Error("its index.json is too long");
      seen.add(name);
      return join(staging, name);
    };
    await readArchive(path, visit, { maxBytes: maxBundleBytes, signal: context.signal });
    if (!seen.delete("index.json")) throw new Error("it has no index.json");
    const index = indexSchema.parse(JSON.parse(await readFile(join(staging, "index.json"), "utf8")));
    if (index.platform !== platform())
      throw new Error(`it is for ${index.platform}, this machine is ${platform()}`);
    await checkFiles(index, seen, staging, context.signal);
    bar.end("ok");
    return index;
  } catch (error) {
    bar.end("failed");
    context.signal.throwIfAborted();
    if (isSlipwayError(error, "DISK_FULL")) throw error;
    throw new SlipwayError("BUNDLE_INVALID", `${path} is not a bundle that can be loaded`, {
      details: { reason: error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error) },
      hint: "make it with slipway bundle create; a copy that was cut short shows as this too",
      cause: error,
    });
  }
}

async function checkFiles(
  { components }: BundleIndex,
  files: ReadonlySet<string>,
  staging: string,
  signal: AbortSignal,
): Promise<void> {
  const named = new Set(components.map(({ sha256 }) => sha256));
  for (const file of files)
    if (!named.has(file)) throw new Error(`it holds ${file}, which its index does not name`);
  for (const { name, version, sha256, sizeBytes } of components) {
    checkRef({ name, version });
    if (!files.has(sha256)) throw new Error(`it lacks the file of ${name}`);
    const { size } = await stat(join(staging, sha256));
    if (size !== sizeBytes) throw new Error(`its ${name} is ${size} bytes long, not ${sizeBytes}`);
  }
  for (const sha256 of named) {
    const found = await hashFile(join(staging, sha256), signal);
    if (found !== sha256) throw new Error(`a file has another hash: expected ${sha256}, found ${found}`);
  }
  for (const { kind, sha256 } of components) {
    if (kind === "archive") await checkTreeArchive(join(staging, sha256), signal);
  }
}

async function take(
  { sha256, sizeBytes: _, image, provenance, ...bundled }: BundledComponent,
  path: string,
  staging: string,
  context: Context,
): Promise<StoredComponent> {
  const ref = { name: bundled.name, version: bundled.version };
  await using _lock = await lockComponent(ref, context);
  const present = await lookUp(ref, context);
  if (present?.sha256 === sha256) return present;
  // A second name, not a move: two components may have the same bytes.
  const file = join(staging, `${ref.name}@${ref.version}`);
  await link(join(staging, sha256), file);
  const origin = `${basename(path)} (${provenance.source}: ${provenance.origin})`;
  // Awaited: the lock is held until then.
  return await publish(
    ref,
    bundled.kind,
    file,
    { provenance: { source: "bundle", origin }, ...(image === undefined ? {} : { image }) },
    context,
    sha256,
  );
}
