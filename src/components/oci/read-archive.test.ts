import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isSlipwayError, type SlipwayError } from "../../base/errors.js";
import { readImageArchive } from "./read-archive.js";
import { normalizeReference } from "./reference.js";
import { type TarMember, tarBytes } from "./tar.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-archive-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const file = (path: string, text: string): TarMember => ({
  path,
  type: "File",
  mode: 0o644,
  sizeBytes: Buffer.byteLength(text),
  content: { text },
});
const link = (path: string, linkTarget: string): TarMember => ({
  path,
  type: "SymbolicLink",
  mode: 0o777,
  sizeBytes: 0,
  linkTarget,
});
const bytesOf = async (members: TarMember[]) =>
  Buffer.concat(await Readable.from(tarBytes(members)).toArray());

async function read(bytes: Buffer): Promise<string[]> {
  const path = join(directory, "image.tar");
  await writeFile(path, bytes);
  return (await readImageArchive(path)).references;
}
const reasonOf = async (bytes: Buffer): Promise<string> => {
  const error = await read(bytes).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(isSlipwayError(error, "IMAGE_INVALID")).toBe(true);
  return (error as SlipwayError).details.reason ?? "";
};

function ociMembers(annotations: Record<string, string>): TarMember[] {
  const layer = "not really a layer, but its bytes";
  const config = JSON.stringify({ os: "linux" });
  const blob = (text: string) => ({ digest: `sha256:${sha256(text)}`, size: text.length });
  const manifest = JSON.stringify({ schemaVersion: 2, config: blob(config), layers: [blob(layer)] });
  const index = JSON.stringify({ schemaVersion: 2, manifests: [{ ...blob(manifest), annotations }] });
  return [
    file("oci-layout", '{"imageLayoutVersion":"1.0.0"}'),
    file("index.json", index),
    ...[manifest, config, layer].map((text) => file(`blobs/sha256/${sha256(text)}`, text)),
  ];
}
const named = { "io.containerd.image.name": "registry.example/team/app:1" };
const dockerMembers = [
  file("abc.json", "{}"),
  file("one/layer.tar", "bytes"),
  link("two/layer.tar", "../one/layer.tar"),
  file(
    "manifest.json",
    JSON.stringify([{ Config: "abc.json", RepoTags: ["app:1"], Layers: ["one/layer.tar", "two/layer.tar"] }]),
  ),
];

describe("readImageArchive", () => {
  test("an OCI layout and docker save's archive tell their references in full", async () => {
    expect(await read(await bytesOf(ociMembers(named)))).toEqual(["registry.example/team/app:1"]);
    expect(await read(await bytesOf(dockerMembers))).toEqual(["docker.io/library/app:1"]);
    expect(await read(gzipSync(await bytesOf(dockerMembers)))).toEqual(["docker.io/library/app:1"]);
  });

  test.each<[string, () => TarMember[], string]>([
    ["no image", () => [file("readme.txt", "hello")], "neither an oci-layout nor a manifest.json"],
    ["no name", () => ociMembers({}), "does not name its image"],
    [
      "a bare tag",
      () => ociMembers({ "org.opencontainers.image.ref.name": "latest" }),
      "does not name its image",
    ],
    ["a missing layer", () => ociMembers(named).slice(0, -1), "is missing"],
    ["a missing docker layer", () => dockerMembers.slice(1), "abc.json is missing"],
    [
      "a damaged blob",
      () => [...ociMembers(named), file(`blobs/sha256/${sha256("x")}`, "y")],
      "another hash",
    ],
    ["a path upwards", () => [...dockerMembers, file("a/../../etc/passwd", "x")], "lies outside"],
    ["an absolute path", () => [...dockerMembers, file("/etc/passwd", "x")], "lies outside"],
    ["a link upwards", () => [...dockerMembers, link("a/b", "../../etc")], "links to"],
    ["an absolute link", () => [...dockerMembers, link("a", "/etc")], "links to"],
    ["torn JSON", () => [file("manifest.json", '[{"Config":')], "is no JSON"],
    ["other JSON", () => [file("manifest.json", '{"a":1}')], "not as it should be"],
    [
      "a bad reference",
      () => ociMembers({ "io.containerd.image.name": "UP/er case:1" }),
      "no image reference",
    ],
  ])("%s is refused, with the reason", async (_, members, reason) => {
    expect(await reasonOf(await bytesOf(members()))).toContain(reason);
  });

  test("a file that is cut, empty, no tar or compressed otherwise is refused", async () => {
    const whole = await bytesOf(ociMembers(named));
    expect(await reasonOf(whole.subarray(0, 700))).toContain("Unexpected end of data");
    expect(await reasonOf(Buffer.alloc(0))).toContain("neither");
    expect(await reasonOf(Buffer.alloc(2048, "no tar "))).not.toBe("");
    expect(await reasonOf(Buffer.from("28b52ffd00000000", "hex"))).toContain("zstd");
    expect(await reasonOf(gzipSync(whole).subarray(0, 200))).toContain("unexpected end of file");
  });

  test("a gzip bomb is not followed", async () => {
    const bomb = gzipSync(await bytesOf([file("x", "\0".repeat(50_000_000))]));
    expect(await reasonOf(bomb)).toContain("times its size");
  });

  test("property: whatever the bytes are, the answer is references or IMAGE_INVALID", async () => {
    const whole = await bytesOf(ociMembers(named));
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bytes = Buffer.from(whole);
        bytes[at] = bytes[at]! ^ change;
        const result = await read(bytes).catch((e: unknown) => e);
        if (!isSlipwayError(result, "IMAGE_INVALID")) expect(Array.isArray(result)).toBe(true);
      }),
      { numRuns: 150 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 0, maxLength: 2000 }), async (bytes) => {
        await reasonOf(Buffer.from(bytes));
      }),
      { numRuns: 100 },
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1100), async (length) => {
        const path = join(directory, "cut.tar");
        await writeFile(path, whole);
        await truncate(path, length);
        await expect(readImageArchive(path)).rejects.toSatisfy((e) => isSlipwayError(e, "IMAGE_INVALID"));
        expect((await readFile(path)).length).toBe(length);
      }),
      { numRuns: 60 },
    );
  });
});

describe("normalizeReference", () => {
  test.each([
    ["nginx", "docker.io/library/nginx:latest"],
    ["team/app:1.0", "docker.io/team/app:1.0"],
    ["localhost/app", "localhost/app:latest"],
    ["registry.example:5000/a/b:c", "registry.example:5000/a/b:c"],
    ["index.docker.io/team/app", "docker.io/team/app:latest"],
    [`a@sha256:${"0".repeat(64)}`, `docker.io/library/a@sha256:${"0".repeat(64)}`],
  ])("%s is %s", (short, full) => expect(normalizeReference(short)).toBe(full));

  test("a reference in full stays as it is", () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    fc.assert(
      fc.property(part, part, fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}$/), (team, app, tag) => {
        const full = `registry.example/${team}/${app}:${tag}`;
        expect(normalizeReference(full)).toBe(full);
      }),
    );
  });
});
