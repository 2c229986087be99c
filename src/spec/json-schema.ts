import * as z from "zod";
import { formSchema } from "./schema.js";

export const clusterSchemaId = "https://slipway.dev/schemas/v1alpha1/cluster.schema.json";

/** JSON Schema (2020-12) of a cluster file, for editors. In a file apiVersion and kind must be there. */
export function clusterJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(formSchema, { io: "input", reused: "inline" });
  return { $schema, $id: clusterSchemaId, ...schema, required: ["apiVersion", "kind"] };
}
