import { SlipwayError } from "../../base/errors.js";
import type { IgnitionConfig, IgnitionResource } from "../config.js";
import { mergeIgnition } from "../merge.js";
import { type FetchOptions, fetchContents } from "./contents.js";
import { failed } from "./root.js";

/** Configs that name one another could go on for ever. */
const maxDepth = 10;

/** Replaces a config by the one it names (`config.replace`), or merges those it names (`config.merge`) over it. */
export async function renderConfig(
  config: IgnitionConfig,
  options: FetchOptions,
  depth = 0,
): Promise<IgnitionConfig> {
  const { merge = [], replace } = config.ignition.config ?? {};
  if (depth > maxDepth) throw failed(`configs name other configs more than ${maxDepth} deep`);
  if (replace?.source !== undefined) {
    return renderConfig(await fetchConfig(replace, "ignition.config.replace", options), options, depth + 1);
  }
  let rendered = config;
  for (const [i, reference] of merge.entries()) {
    const other = await fetchConfig(reference, `ignition.config.merge[${i}]`, options);
    rendered = mergeIgnition(rendered, await renderConfig(other, options, depth + 1));
  }
  if (depth === 0 && merge.length > 0) await checkMerged(rendered);
  return rendered;
}

/** Two valid configs can make one that is not, e.g. a file below what the other made a link. */
async function checkMerged(config: IgnitionConfig): Promise<void> {
  const { validateIgnition } = await import("../validate.js");
  const { config: valid, problems } = validateIgnition(config);
  const [first] = problems.filter(({ severity }) => severity === "error");
  if (!valid && first) {
    throw new SlipwayError(
      "NODE_CONFIG_INVALID",
      `the merged config is not valid: ${first.path.join(".")}: ${first.message}`,
    );
  }
}

async function fetchConfig(
  reference: IgnitionResource,
  what: string,
  options: FetchOptions,
): Promise<IgnitionConfig> {
  const bytes = await fetchContents(reference, what, options);
  const { ignitionError, parseIgnition } = await import("../parse.js"); // zod and yaml: only for configs of others
  const { config, problems } = parseIgnition(Buffer.from(bytes).toString("utf8"), what);
  if (!config) {
    const cause = ignitionError(problems, what);
    throw new SlipwayError("NODE_CONFIG_INVALID", cause.message, { details: cause.details });
  }
  return config;
}
