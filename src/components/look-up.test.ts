import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { catalogEntry } from "./catalog.js";
import type { GoBuild } from "./catalog-entry.js";
import { buildHash, lookUpCurrent, recipeHash } from "./look-up.js";
import { dropComponents, lookUp, storeFile } from "./store.js";
import { TestContext } from "./test-context.js";

let context: TestContext;
beforeEach(async () => {
  context = await TestContext.create();
});
afterEach(() => context[Symbol.asyncDispose]());

test("an image of an older recipe is made anew, one of this recipe is not", async () => {
  const ref = { name: "pause-image", version: "3.10.1" };
  const make = (recipe: string) =>
    storeFile(
      ref,
      "image",
      async (path) => {
        await writeFile(path, recipe);
        return { recipe, provenance: { source: "recipe", origin: "a test" } };
      },
      context,
    );
  await make("an older recipe");
  expect(await lookUp(ref, context)).toBeDefined();
  expect(await lookUpCurrent(ref, context)).toBeUndefined();
  await dropComponents([ref], context);
  await make(recipeHash("pause-image")!);
  expect(await lookUpCurrent(ref, context)).toBeDefined();
});

test("what was built with other flags is built anew, what an earlier slipway built without saying is not", async () => {
  const ref = { name: "agnhost", version: "2.63.0" };
  const build = async (recipe: string | undefined) => {
    await dropComponents([ref], context);
    const produce = async (path: string) => {
      await writeFile(path, "a program");
      const provenance = { source: "go-module", origin: "a test" } as const;
      return { provenance, ...(recipe === undefined ? {} : { recipe }) };
    };
    await storeFile(ref, "binary", produce, context);
    return (await lookUpCurrent(ref, context)) !== undefined;
  };
  const entry = catalogEntry("agnhost");
  expect(await build(buildHash(entry))).toBe(true);
  const unversioned = { ...entry.build, language: "go" as const, ldflags: [] } as GoBuild;
  expect(await build(buildHash({ build: unversioned }))).toBe(false);
  expect(await build(undefined)).toBe(true);
});

test("a recipe's hash is the same each time", () => {
  expect(recipeHash("pause-image")).toMatch(/^[0-9a-f]{64}$/);
  expect(recipeHash("pause-image")).toBe(recipeHash("pause-image"));
  expect(recipeHash("kubelet")).toBeUndefined();
});
