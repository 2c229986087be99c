import { createHash } from "node:crypto";
import type { Context } from "../base/context.js";
import { catalogEntry } from "./catalog.js";
import type { CatalogEntry, Component } from "./catalog-entry.js";
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

/** `lookUp`, but what was made by an older recipe, or built with other flags, is not found: it is made anew. */
export async function lookUpCurrent(
  ref: ComponentRef,
  context: Context,
): Promise<StoredComponent | undefined> {
  const stored = await lookUp(ref, context);
  return stored && isOutdated(stored) ? undefined : stored;
}

function isOutdated({ name, provenance: { source }, recipe }: StoredComponent): boolean {
  if (source === "recipe") return recipe !== recipeHash(name);
  return source === "go-module" && recipe !== undefined && recipe !== buildHash(catalogEntry(name));
}

/** By which a change of a build's flags is seen. */
export const buildHash = ({ build }: Pick<CatalogEntry, "build">): string => hash(build ?? null);

/** Of a recipe and of how its parts are built. undefined: there is no recipe of that name. */
export function recipeHash(name: string): string | undefined {
  const recipe = imageRecipes[name];
  return recipe && hash([recipe, recipe.components.map((part) => buildHash(catalogEntry(part.name)))]);
}

const hash = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex");

export const subjectOf = ({ name, version }: ComponentRef): string => `${name} ${version}`;

/** A few of them, and how many more. */
export const someOf = (subjects: readonly string[]) =>
  subjects.length <= 3
    ? subjects.join(", ")
    : `${subjects.slice(0, 2).join(", ")} and ${subjects.length - 2} more`;
