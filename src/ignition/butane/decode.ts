import { isMap, isScalar, isSeq } from "yaml";
import type { Report } from "../problem.js";
import { camelKey, type Shape } from "./shape.js";
import { flagOf, integerOf, isNull, textOf, type YamlNode } from "./yaml-scalar.js";
import type { YamlSource } from "./yaml-source.js";

/**
 * Reads a YAML node as a shape: a plain value with keys in camelCase. Unknown keys are warnings, and left out; a wrong type is
 * an error. Undefined is null.
 */
export function decodeYaml(
  node: YamlNode | undefined,
  shape: Shape,
  source: YamlSource,
  report: Report,
): unknown {
  if (node === undefined || isNull(node)) return undefined;
  if (shape.kind === "anything") return true;
  if (shape.kind === "object") {
    if (isMap(node)) return decodeObject(node, shape.fields, source, report);
    report.error("must be a mapping");
    return undefined;
  }
  if (shape.kind === "list") {
    if (isSeq(node)) {
      return source.items(node).map((item, i) => decodeYaml(item, shape.item, source, report.at(i)));
    }
    report.error("must be a list");
    return undefined;
  }
  const value = isScalar(node) ? scalarReaders[shape.kind](node) : undefined;
  if (value === undefined) report.error(`must be ${typeNames[shape.kind]}`);
  return value;
}

const scalarReaders = { text: textOf, integer: integerOf, flag: flagOf };
const typeNames = { text: "text", integer: "an integer", flag: "true or false" };

function decodeObject(
  node: YamlNode & { items: unknown },
  fields: Record<string, Shape>,
  source: YamlSource,
  report: Report,
): Record<string, unknown> {
  const decoded: Record<string, unknown> = {};
  if (!isMap(node)) return decoded;
  for (const { key, value, repeated } of source.entries(node)) {
    const at = report.at(key);
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (repeated) at.error(`the key "${key}" is there twice`);
    else if (!field) at.warn(`unknown key "${key}": it is ignored`);
    else {
      const read = decodeYaml(value, field, source, at);
      if (read !== undefined) decoded[camelKey(key)] = read;
    }
  }
  return decoded;
}
