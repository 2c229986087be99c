import { refOf } from "../catalog.js";
import { imageRecipes } from "../image-recipes.js";
import { recipeHash, subjectOf } from "../look-up.js";
import { writeImage } from "../oci/image.js";
import { startProgress } from "../progress.js";
import type { Source } from "./source.js";

/** Images made here of components and Debian packages. */
export const recipeSource: Source = {
  kind: "recipe",
  groupOf: ({ name }) => (Object.hasOwn(imageRecipes, name) ? name : undefined),
  async fetch([request], { context, ensure, builds }) {
    const { component, destination } = request!;
    const recipe = imageRecipes[component.name]!;
    const inputs = await ensure(recipe.components.map(({ name }) => refOf(name, component.version)));
    const bar = startProgress({ subject: subjectOf(component), phase: "build", unit: "files" }, context);
    try {
      const { image } = await builds(() => {
        bar.update(0, 1, "writing the image");
        return writeImage(recipe, inputs, destination, context);
      });
      bar.end("ok");
      const parts = [
        ...[...inputs.values()].map((input) => `${subjectOf(input)} (${input.provenance.source})`),
        ...(recipe.debianPackages ?? []).map((name) => `Debian's ${name}`),
      ];
      return [
        {
          image,
          recipe: recipeHash(component.name)!,
          provenance: { source: "recipe", origin: `made of ${parts.join(", ")}` },
        },
      ];
    } catch (error) {
      bar.end("failed");
      throw error;
    }
  },
};
