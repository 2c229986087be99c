import { createHash } from "node:crypto";
import {
  appendFile,
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { dropComponents, listComponents, lookUp, storeFile, verifyComponents } from "./store.js";
import { TestContext } from "./test-context.js";

let context: TestContext;
beforeEach(async () => {
  context = await TestContext.create();
});
afterEach(() => context[Symbol.asyncDispose]());

const ref = { name: "tool", version: "v1.0.0" };
const provenance = { source: "go-module", origin: "example.com/tool@v1.0.0" } as const;
const produce = async (path: string) => {
  await writeFile(path, "the tool");
  return { provenance };
};
const store = () => storeFile(ref, "binary", produce, context);

test("a file is found again by name and version, read-only, under its hash", async () => {
  expect(await lookUp(ref, context)).toBeUndefined();
  const stored = await store();
  const sha256 = createHash("sha256").update("the tool").digest("hex");
  expect(stored).toMatchObject({ ...ref, kind: "binary", sha256, sizeBytes: 8, provenance });
  expect(stored.path).toMatch(new RegExp(`${sha256}/tool$`));
  expect((await stat(stored.path)).mode & 0o777).toBe(0o555);
  expect(await lookUp(ref, context)).toEqual(stored);
  expect(await listComponents(context)).toEqual([stored]);
});

test("what the store has is not produced again", async () => {
  const stored = await store();
  const again = await storeFile(ref, "binary", () => Promise.reject(new Error("not asked for")), context);
  expect(again).toEqual(stored);
});

test("several that want the same file share the work", async () => {
  let runs = 0;
  const slow = async (path: string) => {
    runs += 1;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return produce(path);
  };
  const stored = await Promise.all([1, 2, 3].map(() => storeFile(ref, "binary", slow, context)));
  expect(runs).toBe(1);
  expect(new Set(stored.map(({ path }) => path)).size).toBe(1);
});

test("a producer that fails leaves nothing to be found, and the next one starts clean", async () => {
  const failing = async (path: string) => {
    await writeFile(path, "half of");
    throw new Error("no more");
  };
  await expect(storeFile(ref, "binary", failing, context)).rejects.toThrow("no more");
  expect(await lookUp(ref, context)).toBeUndefined();
  expect(await readFile((await store()).path, "utf8")).toBe("the tool");
});

test("the store can be moved as a whole", async () => {
  await store();
  const elsewhere = join(context.directory, "elsewhere");
  await rename(context.paths.cache, elsewhere);
  const moved = { ...context.paths, cache: elsewhere };
  const { clock, events, signal } = context;
  const found = await lookUp(ref, { paths: moved, clock, events, signal });
  expect(found?.path).toContain("/elsewhere/");
});

describe("a damaged store", () => {
  test("a file that changed its size or time is not found, and is stored anew", async () => {
    const { path } = await store();
    await chmod(path, 0o755);
    await appendFile(path, "!");
    expect(await lookUp(ref, context)).toBeUndefined();
    await store();
    expect(await readFile(path, "utf8")).toBe("the tool");
    await utimes(path, 1, 1);
    expect(await lookUp(ref, context)).toBeUndefined();
  });

  test("verify sees a changed byte behind the same size and time, and drop removes it", async () => {
    const { path } = await store();
    const { atime, mtime } = await stat(path);
    await chmod(path, 0o755);
    await writeFile(path, "the t00l");
    await utimes(path, atime, mtime);
    const { good, bad } = await verifyComponents(context);
    expect(good).toEqual([]);
    expect(bad).toMatchObject([{ ...ref, path }]);
    expect(bad[0]?.found).not.toBe(bad[0]?.expected);
    await dropComponents(bad, context);
    expect(await listComponents(context)).toEqual([]);
    expect((await verifyComponents(context)).bad).toEqual([]);
  });

  test.each(["", "{", '{"name":"tool"', "null", '{"name":"tool","version":"v1.0.0"}'])(
    "a torn marker (%j) counts as none",
    async (text) => {
      const { path } = await store();
      const marker = join(dirname(dirname(path)), "component.json");
      await writeFile(marker, text);
      expect(await lookUp(ref, context)).toBeUndefined();
      expect((await verifyComponents(context)).bad).toHaveLength(1);
      await store();
      expect((await verifyComponents(context)).bad).toEqual([]);
    },
  );

  test("a missing file is reported", async () => {
    const { path } = await store();
    await rename(path, join(context.directory, "away"));
    expect(await lookUp(ref, context)).toBeUndefined();
    expect((await verifyComponents(context)).bad).toMatchObject([{ found: "ENOENT" }]);
  });
});

test("a killed run's leftovers are taken away with the next success", async () => {
  const incoming = join(context.paths.cache, "components", "incoming", "tool@v1.0.0");
  await mkdir(incoming, { recursive: true });
  await writeFile(join(incoming, "tool"), "half of");
  await store();
  expect(await readdir(dirname(incoming))).toEqual([]);
});

test.each(["..", "../x", "a/b", "", ".hidden", "a\0b"])("%j cannot be a name or a version", async (text) => {
  await expect(lookUp({ name: text, version: "v1" }, context)).rejects.toThrow(
    "cannot be a component's name",
  );
  await expect(lookUp({ name: "tool", version: text }, context)).rejects.toThrow(
    "cannot be a component's name",
  );
});

test("twenty-five stored components are looked up in milliseconds", async () => {
  const refs = Array.from({ length: 25 }, (_, i) => ({ name: `tool-${i}`, version: "v1" }));
  for (const each of refs) await storeFile(each, "binary", produce, context);
  const started = performance.now();
  const found = await Promise.all(refs.map((each) => lookUp(each, context)));
  expect(found.every(Boolean)).toBe(true);
  // Generous, for a busy machine; hashing or running programs would take far longer.
  expect(performance.now() - started).toBeLessThan(250);
});
