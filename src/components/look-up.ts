import { createHash } from "node:crypto";
import type { Context } from "../base/context.js";
import type { Component } from "./catalog-entry.js";
import type { ComponentRef, StoredComponent } from "./component.js";
import { imageRecipes } from "./image-recipes.js";
import { lookUp } from "./store.js";

/** Puts what the store has into `found`. @returns what it has not. */
export async function lookUpAll(
  components: readonly Component[],
  found: Map<string, StoredComponent>,
  context: Context,
  find: (ref: ComponentRef, context: Context) => Promise<StoredComponent | undefined> = lookUpCurrent,
): Promise<Component[]> {
  const stored = await Promise.all(components.map((component) => find(component, context)));
  return components.filter((component, i) => {
    const file = stored[i];
    if (file) found.set(component.name, file);
    return file === undefined;
  });
}

/** `lookUp`, but an image that was made by an older recipe is not found: it is made anew. */
export async function lookUpCurrent(
  ref: ComponentRef,
  context: Context,
): Promise<StoredComponent | undefined> {
  const stored = await lookUp(ref, context);
  const outdated = stored?.provenance.source === "recipe" && stored.recipe !== recipeHash(ref.name);
  return outdated ? undefined : stored;
}

/** undefined: there is no recipe of that name. */
export function recipeHash(name: string): string | undefined {
  const recipe = imageRecipes[name];
  return recipe && createHash("sha256").update(JSON.stringify(recipe)).digest("hex");
}

export const subjectOf = ({ name, version }: ComponentRef): string => `${name} ${version}`;

/** A few of them, and how many more. */
export const someOf = (subjects: readonly string[]) =>
  subjects.length <= 3
    ? subjects.join(", ")
    : `${subjects.slice(0, 2).join(", ")} and ${subjects.length - 2} more`;
