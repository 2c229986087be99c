import { isScalar, type Scalar, type YAMLMap, type YAMLSeq } from "yaml";

/** A node that is no alias. */
export type YamlNode = Scalar | YAMLMap | YAMLSeq;

/*
 * What a YAML scalar means for a field of a given type, as butane's YAML library (gopkg.in/yaml.v3) has it: YAML 1.2's core
 * schema, and from 1.1 octal numbers with a bare leading zero, underscores, and yes/no/on/off where a boolean is wanted.
 */

const coreTag = "tag:yaml.org,2002:";
const nulls = new Set(["", "~", "null", "Null", "NULL"]);
const trues = new Set(["true", "True", "TRUE"]);
const falses = new Set(["false", "False", "FALSE"]);
/** In quotes too. */
const looseTrues = new Set(["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"]);
const looseFalses = new Set(["n", "N", "no", "No", "NO", "off", "Off", "OFF"]);

/** Its text, unquoted and folded; the value would already be what a tag makes of it. */
const sourceOf = (scalar: Scalar): string => scalar.source ?? String(scalar.value ?? "");

/** Written without quotes or a tag that makes it text. */
const isPlain = (scalar: Scalar): boolean =>
  (scalar.type === "PLAIN" || scalar.type === undefined) && scalar.tag !== `${coreTag}str`;

/** null, or nothing at all. */
export const isNull = (node: YamlNode): boolean =>
  isScalar(node) && isPlain(node) && nulls.has(sourceOf(node));

/** Any scalar is text where text is wanted: its own. */
export function textOf(scalar: Scalar): string {
  const text = sourceOf(scalar);
  return scalar.tag === `${coreTag}binary` ? Buffer.from(text, "base64").toString("utf8") : text;
}

export function flagOf(scalar: Scalar): boolean | undefined {
  const text = sourceOf(scalar);
  if (looseTrues.has(text) || (isPlain(scalar) && trues.has(text))) return true;
  if (looseFalses.has(text) || (isPlain(scalar) && falses.has(text))) return false;
  return undefined;
}

const decimal = /^[-+]?(?:0|[1-9]\d*)$/;
const prefixed = /^([-+]?)0([xob]?)([0-9a-f]+)$/i;
const bases: Record<string, { base: number; digits: RegExp }> = {
  "": { base: 8, digits: /^[0-7]+$/ },
  o: { base: 8, digits: /^[0-7]+$/ },
  b: { base: 2, digits: /^[01]+$/ },
  x: { base: 16, digits: /^[0-9a-f]+$/i },
};
const float = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:e[-+]?\d+)?$/i;

/** An integer; a fraction is cut off, as the library does it. */
export function integerOf(scalar: Scalar): number | undefined {
  if (!isPlain(scalar)) return undefined;
  const text = sourceOf(scalar).replaceAll("_", "");
  const value = parseInteger(text);
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
}

function parseInteger(text: string): number | undefined {
  if (decimal.test(text)) return Number(text);
  const [, sign, prefix = "", digits = ""] = prefixed.exec(text) ?? [];
  const { base, digits: allowed } = bases[prefix.toLowerCase()]!;
  if (digits && allowed.test(digits)) return Number.parseInt(digits, base) * (sign === "-" ? -1 : 1);
  return float.test(text) ? Math.trunc(Number(text)) : undefined;
}
