import { expand } from "../catalog.js";
import { pullImage } from "./pull-image.js";
import type { Source } from "./source.js";

/** The images that a project publishes. */
export const registrySource: Source = {
  kind: "registry",
  groupOf: ({ name, entry: { registry } }) => (registry === undefined ? undefined : name),
  async fetch([request], run) {
    const { component } = request!;
    return [await pullImage(request!, expand(component.entry.registry!, component), "registry", run)];
  },
};
