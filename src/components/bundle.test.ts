import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Context } from "../base/context.js";
import { isSlipwayError } from "../base/errors.js";
import { run } from "../base/run.js";
import { createBundle, loadBundle } from "./bundle.js";
import { tarBytes } from "./oci/tar.js";
import { listComponents, storeFile, verifyComponents } from "./store.js";
import { TestContext } from "./test-context.js";

let context: TestContext;
beforeEach(async () => {
  context = await TestContext.create();
});
afterEach(() => context[Symbol.asyncDispose]());

const refs = [
  { name: "tool", version: "v1.0.0" },
  { name: "same-bytes", version: "v2" },
  { name: "node-image", version: "abc" },
  { name: "app-image", version: "1.0" },
];

/** A tar file; what ends in a slash is a directory. */
async function tarOf(members: Record<string, string>): Promise<Buffer> {
  const files = Object.entries(members).map(([path, text]) =>
    path.endsWith("/")
      ? { path, type: "Directory" as const, mode: 0o755, sizeBytes: 0 }
      : {
          path,
          type: "File" as const,
          mode: 0o644,
          sizeBytes: Buffer.byteLength(text),
          content: { text },
        },
  );
  const chunks: Buffer[] = [];
  for await (const chunk of tarBytes(files)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A store with a binary, its twin, an archive and an image. */
async function fill(): Promise<void> {
  const put = (i: number, kind: "binary" | "archive" | "image", content: string | Buffer, image?: string) =>
    storeFile(
      refs[i]!,
      kind,
      async (path) => {
        await writeFile(path, content);
        return { provenance: { source: "recipe", origin: "a test" }, ...(image ? { image } : {}) };
      },
      context,
    );
  await put(0, "binary", "tool ".repeat(300));
  await put(1, "binary", "tool ".repeat(300));
  await put(2, "archive", await tarOf({ "./": "", "./hello": "tree ".repeat(300) }));
  await put(3, "image", "layers", "slipway.local/app:1.0");
}

/** Another machine's context: an empty store. */
const elsewhere = (name: string): Context => ({
  paths: { ...context.paths, cache: join(context.directory, name) },
  clock: context.clock,
  events: context.events,
  signal: context.signal,
});

const bundlePath = () => join(context.directory, "demo.tar");

test("what one store puts in, another takes out, with where it came from", async () => {
  await fill();
  const summary = await createBundle(refs, bundlePath(), context);
  expect(summary.components).toHaveLength(4);
  const other = elsewhere("other");
  await loadBundle(bundlePath(), other);
  const listed = await listComponents(other);
  const essence = (all: typeof listed) =>
    all.map(({ name, version, kind, sha256, sizeBytes, image }) => ({
      name,
      version,
      kind,
      sha256,
      sizeBytes,
      image,
    }));
  expect(essence(listed)).toEqual(essence(await listComponents(context)));
  expect(listed[0]?.provenance).toEqual({ source: "bundle", origin: "demo.tar (recipe: a test)" });
  expect((await verifyComponents(other)).bad).toEqual([]);
  await loadBundle(bundlePath(), other); // again: nothing to do, no error
});

test("the same components give the same bytes, in whatever order they are named", async () => {
  await fill();
  await createBundle(refs, bundlePath(), context);
  const again = join(context.directory, "again.tar");
  await createBundle([...refs.toReversed(), refs[0]!], again, context);
  expect(await readFile(again)).toEqual(await readFile(bundlePath()));
});

test("what the store lacks is named, and no file is left", async () => {
  await fill();
  const error = await createBundle([...refs, { name: "more", version: "v1" }], bundlePath(), context).catch(
    (e: unknown) => e,
  );
  expect(isSlipwayError(error, "OFFLINE_MISSING") && error.details.missing).toBe("more v1");
  await expect(readFile(bundlePath())).rejects.toThrow("ENOENT");
});

test("a file of the store that is damaged gets into no bundle", async () => {
  await fill();
  const { path } = (await listComponents(context)).find(({ name }) => name === "tool")!;
  const asBefore = join(context.directory, "as-before");
  await run("touch", ["-r", path, asBefore]);
  await chmod(path, 0o755);
  await writeFile(path, "fool ".repeat(300));
  await run("touch", ["-r", asBefore, path]);
  await expect(createBundle(refs, bundlePath(), context)).rejects.toSatisfy((e) =>
    isSlipwayError(e, "COMPONENT_CORRUPT"),
  );
  expect((await readdir(context.directory)).filter((name) => name.startsWith("demo"))).toEqual([]);
});

describe("a bundle is refused whole", () => {
  const expectRefused = async (bytes: Buffer, reason: string) => {
    await writeFile(bundlePath(), bytes);
    const other = elsewhere("other");
    await mkdir(other.paths.cache, { recursive: true });
    const error = await loadBundle(bundlePath(), other).catch((e: unknown) => e);
    expect(isSlipwayError(error, "BUNDLE_INVALID") && error.details.reason).toContain(reason);
    expect(await listComponents(other)).toEqual([]);
  };
  const changedIndex = async (change: (text: string) => string) => {
    await fill();
    await createBundle(refs, bundlePath(), context);
    const bytes = await readFile(bundlePath());
    const text = change(bytes.toString("latin1"));
    expect(text).not.toBe(bytes.toString("latin1"));
    return Buffer.from(text, "latin1");
  };

  test("that is empty", () => expectRefused(Buffer.alloc(0), "not accepted"));
  test("that is no tar file", () => expectRefused(Buffer.from("hello ".repeat(1000)), "not accepted"));
  test("without an index", async () =>
    expectRefused(await tarOf({ [`files/${"a".repeat(64)}`]: "x" }), "index.json"));
  test("with a stranger", async () =>
    expectRefused(await tarOf({ "index.json": "{}", "etc/passwd": "x" }), "etc/passwd"));
  test("with a bad index", async () => expectRefused(await tarOf({ "index.json": '{"a":1}' }), "apiVersion"));
  test("for another machine", async () =>
    expectRefused(
      await changedIndex((text) => text.replace(/"linux\/\w+"/, (p) => `"${"z".repeat(p.length - 2)}"`)),
      "it is for",
    ));
  test("whose names climb", async () =>
    expectRefused(
      await changedIndex((text) => text.replace('"name": "tool"', '"name": "../l"')),
      "cannot be a component's name",
    ));
  test("whose tree leads outside", async () => {
    const bad = await tarOf({ "./": "", "./../evil": "x" });
    await storeFile(
      { name: "node-image", version: "bad" },
      "archive",
      async (path) => {
        await writeFile(path, bad);
        return { provenance: { source: "recipe", origin: "a test" } };
      },
      context,
    );
    await createBundle([{ name: "node-image", version: "bad" }], bundlePath(), context);
    await expectRefused(await readFile(bundlePath()), "no plain name");
  });
  test("with a changed byte", async () =>
    expectRefused(await changedIndex((text) => text.replace("tool tool", "tool fool")), "another hash"));
});

test("cut or changed anywhere, nothing but the true files gets in", async () => {
  await fill();
  await createBundle(refs, bundlePath(), context);
  const whole = await readFile(bundlePath());
  const truth = new Map((await listComponents(context)).map(({ name, sha256 }) => [name, sha256]));
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (cut, n, bits) => {
      const at = n % whole.length;
      const bytes = cut ? whole.subarray(0, at) : Buffer.from(whole);
      if (!cut) bytes[at] = bytes[at]! ^ bits;
      const path = join(context.directory, "torn.tar");
      await writeFile(path, bytes);
      runs += 1;
      const other = elsewhere(`torn-${runs}`);
      const error = await loadBundle(path, other).catch((e: unknown) => e);
      const listed = await listComponents(other);
      if (isSlipwayError(error, "BUNDLE_INVALID")) return listed.length === 0;
      // A change in the index's own words may pass, in the files never.
      const hashes = new Set(truth.values());
      return (
        Array.isArray(error) &&
        listed.every(({ sha256 }) => hashes.has(sha256)) &&
        (await verifyComponents(other)).bad.length === 0
      );
    }),
    { numRuns: 40 },
  );
});
