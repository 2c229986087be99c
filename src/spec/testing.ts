import { isSlipwayError } from "../base/errors.js";
import { applyFlags } from "./apply-flags.js";
import type { ResolveFacts } from "./facts.js";
import type { StartFlagValues } from "./flags.js";
import { parseClusterSpec } from "./load.js";
import { problemsOf, problemText } from "./problems.js";
import { resolveSpec } from "./resolve.js";
import { startOptions } from "./start-options.js";

/** For the tests of this room: a host where nothing is taken. */
export const facts: ResolveFacts = {
  supportedVersions: ["1.34.4", "1.35.4", "1.36.1", "1.36.3"],
  defaultVersion: "1.36.3",
  takenSubnets: [],
};

/** How a cluster file begins; what a test writes stands from line 3 on. */
export const head = "apiVersion: slipway.dev/v1alpha1\nkind: Cluster\n";

/** What is said about a file and flags; empty when nothing is. */
export function complaints(text: string | undefined, flags: StartFlagValues = {}): string[] {
  try {
    const loaded = text === undefined ? undefined : parseClusterSpec(text, "cluster.yaml");
    startOptions(flags);
    const { form, locate } = applyFlags(loaded, flags);
    resolveSpec(form, facts, locate);
    return [];
  } catch (error) {
    if (!isSlipwayError(error)) throw error;
    const problems = problemsOf(error);
    return problems.length === 0 ? [error.message] : problems.map(problemText);
  }
}

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
}

/** All fields of a JSON Schema: `nodes[].memory`. */
export function fieldsOf(schema: Schema, path = ""): string[] {
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
      const own = path === "" ? name : `${path}.${name}`;
      return [own, ...fieldsOf(field, own)];
    }),
    ...(schema.items ? fieldsOf(schema.items, `${path}[]`) : []),
    ...(schema.anyOf ?? []).flatMap((alternative) => fieldsOf(alternative, path)),
  ];
}
