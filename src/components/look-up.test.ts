import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lookUpCurrent, recipeHash } from "./look-up.js";
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

test("a recipe's hash is the same each time", () => {
  expect(recipeHash("pause-image")).toMatch(/^[0-9a-f]{64}$/);
  expect(recipeHash("pause-image")).toBe(recipeHash("pause-image"));
  expect(recipeHash("kubelet")).toBeUndefined();
});
