import * as z from "zod";
import { labSchema } from "./lab-schema.js";

const labSchemaId = "https://slipway.dev/schemas/v1alpha1/lab.schema.json";

/** JSON Schema (2020-12) of a lab.yaml, for editors. */
export function labJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(labSchema, { io: "input", reused: "inline" });
  return { $schema, $id: labSchemaId, ...schema };
}
