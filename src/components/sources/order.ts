import type { EnsureOptions } from "../options.js";
import { debianSource } from "./debian.js";
import { goModuleSource } from "./go-module.js";
import { mirrorSource } from "./mirror.js";
import { recipeSource } from "./recipe.js";
import { registrySource } from "./registry.js";
import type { Source } from "./source.js";
import { upstreamSource } from "./upstream.js";

/**
 * All sources in the order in which they are asked: what the user named, what upstream publishes, Debian, what can be built
 * here. (A bundle is loaded into the store before any of them is.)
 */
export const sourcesFor = ({
  binaryMirror,
  imageRepository,
}: Pick<EnsureOptions, "binaryMirror" | "imageRepository">): Source[] => [
  mirrorSource({ binaryMirror, imageRepository }),
  upstreamSource,
  registrySource,
  debianSource,
  goModuleSource,
  recipeSource,
];
