import { expect, test } from "vitest";
import { fieldsOf } from "../../spec/testing.js";
import { labJsonSchema } from "./lab-json-schema.js";

interface Described {
  description?: string;
  properties?: Record<string, Described>;
  items?: Described;
  anyOf?: Described[];
}

test("every field of a lab.yaml is described", () => {
  const undescribed = (schema: Described, path: string): string[] => [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
      ...(field.description || field.items?.description ? [] : [`${path}.${name}`]),
      ...undescribed(field, `${path}.${name}`),
    ]),
    ...(schema.items ? undescribed(schema.items, `${path}[]`) : []),
    ...(schema.anyOf ?? []).flatMap((one) => undescribed(one, path)),
  ];
  expect(undescribed(labJsonSchema() as Described, "")).toEqual([]);
});

test("the schema is that of a lab.yaml", () => {
  const schema = labJsonSchema();
  expect(schema).toMatchObject({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "https://slipway.dev/schemas/v1alpha1/lab.schema.json",
    required: ["apiVersion", "kind"],
    additionalProperties: false,
  });
  expect(fieldsOf(schema)).toContain("machines[].mac");
  expect(fieldsOf(schema)).toContain("networks[].range");
});
