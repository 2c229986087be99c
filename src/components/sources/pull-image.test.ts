import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isSlipwayError } from "../../base/errors.js";
import { fetchFrom } from "../acquire.js";
import { goArchitecture } from "../catalog.js";
import { readImageArchive } from "../oci/read-archive.js";
import { TestContext, testComponent } from "../test-context.js";
import { mirrorSource } from "./mirror.js";
import { registrySource } from "./registry.js";

const digestOf = (bytes: Buffer) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const document = (value: unknown) => Buffer.from(JSON.stringify(value));

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";
const layer = Buffer.alloc(1024); // an empty tar file
const config = document({
  architecture: goArchitecture(),
  os: "linux",
  rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
});
const describeBlob = (mediaType: string, bytes: Buffer) => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});
const manifest = document({
  schemaVersion: 2,
  mediaType: manifestType,
  config: describeBlob("application/vnd.oci.image.config.v1+json", config),
  layers: [describeBlob("application/vnd.oci.image.layer.v1.tar", layer)],
});
const index = document({
  schemaVersion: 2,
  manifests: [
    {
      ...describeBlob(manifestType, Buffer.from("other")),
      platform: { os: "windows", architecture: goArchitecture() },
    },
    { ...describeBlob(manifestType, manifest), platform: { os: "linux", architecture: goArchitecture() } },
  ],
});

let context: TestContext;
beforeEach(async () => {
  context = await TestContext.create();
});
afterEach(() => context[Symbol.asyncDispose]());

/** A registry that wants an anonymous token, as Docker Hub does. */
async function serveRegistry(blobs: Record<string, Buffer> = {}): Promise<string> {
  const files: Record<string, [Buffer, string]> = {
    "/v2/team/pause/manifests/v1.0.0": [index, indexType],
    [`/v2/team/pause/manifests/${digestOf(manifest)}`]: [manifest, manifestType],
    [`/v2/team/pause/blobs/${digestOf(config)}`]: [config, "application/octet-stream"],
    [`/v2/team/pause/blobs/${digestOf(layer)}`]: [layer, "application/octet-stream"],
  };
  for (const [path, bytes] of Object.entries(blobs)) files[path] = [bytes, files[path]?.[1] ?? manifestType];
  const url: string = await context.serve((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, "http://registry");
    if (pathname === "/token") {
      const scope = searchParams.get("scope");
      response.end(JSON.stringify({ token: scope === "repository:team/pause:pull" ? "let-me-in" : "no" }));
    } else if (request.headers.authorization !== "Bearer let-me-in") {
      response.writeHead(401, { "www-authenticate": `Bearer realm="${url}/token",service="registry"` }).end();
    } else {
      const [bytes, type] = files[pathname] ?? [];
      if (bytes) response.writeHead(200, { "content-type": type }).end(bytes);
      else response.writeHead(404).end();
    }
  });
  return url.slice("http://".length);
}

const pausedImage = (registry: string) =>
  testComponent("pause-image", { kind: "image", registry: `${registry}/team/pause:{version}` });

test("an image is pulled with a token, under its own name and ours", async () => {
  const host = await serveRegistry();
  const found = await fetchFrom([registrySource], [pausedImage(host)], context);
  const stored = found.get("pause-image")!;
  expect(stored.image).toBe("slipway.local/pause:v1.0.0");
  expect(stored.provenance).toEqual({
    source: "registry",
    origin: `${host}/team/pause:v1.0.0@${digestOf(manifest)}`,
  });
  const { references } = await readImageArchive(stored.path);
  expect(references.sort()).toEqual([`${host}/team/pause:v1.0.0`, "slipway.local/pause:v1.0.0"].sort());
});

test("a mirror has the image under its last name", async () => {
  const host = await serveRegistry();
  const source = mirrorSource({ imageRepository: `${host}/team` });
  const found = await fetchFrom([source], [pausedImage("registry.example.com/somewhere")], context);
  expect(found.get("pause-image")?.provenance.source).toBe("mirror");
});

test.each<[string, Record<string, Buffer>, string]>([
  [
    "a layer with other bytes",
    { [`/v2/team/pause/blobs/${digestOf(layer)}`]: Buffer.alloc(1024, 1) },
    "another hash",
  ],
  [
    "a layer longer than was said",
    { [`/v2/team/pause/blobs/${digestOf(layer)}`]: Buffer.alloc(2048) },
    "longer than the 1024",
  ],
  [
    "a manifest with other bytes",
    { [`/v2/team/pause/manifests/${digestOf(manifest)}`]: document({}) },
    "another hash",
  ],
  [
    "no image for this machine",
    { "/v2/team/pause/manifests/v1.0.0": document({ manifests: [] }) },
    "has no image for",
  ],
  ["an index that is none", { "/v2/team/pause/manifests/v1.0.0": document([]) }, "expected object"],
  ["text for an index", { "/v2/team/pause/manifests/v1.0.0": Buffer.from("<html>") }, "JSON"],
])("%s is refused", async (_, blobs, reason) => {
  const host = await serveRegistry(blobs);
  const error = await fetchFrom([registrySource], [pausedImage(host)], context).catch((e: unknown) => e);
  expect(isSlipwayError(error, "COMPONENT_UNAVAILABLE") && Object.values(error.details)[0]).toContain(reason);
});
