import type { JsonValue } from "../inventory/types.js";

/**
 * What a template computes with, by Go's types as JSON data and Go's constants have them: null and undefined are nil, number is
 * float64, bigint is int, an array is `[]interface {}`, a plain object is `map[string]interface {}`.
 */
export type Value =
  | undefined
  | null
  | boolean
  | string
  | number
  | bigint
  | Byte
  | StringMap
  | readonly Value[]
  | ValueMap;

export interface ValueMap {
  readonly [key: string]: Value | JsonValue;
}

/** Go's uint8: what `index` takes out of a string. */
export class Byte {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** Go's `map[string]string`: the query. Unlike a map of anything its missing values are "", not nil. */
export class StringMap {
  readonly entries: Readonly<Record<string, string>>;

  constructor(entries: Readonly<Record<string, string>>) {
    this.entries = entries;
  }
}

export type GoType =
  | "<nil>"
  | "bool"
  | "string"
  | "float64"
  | "int"
  | "uint8"
  | "[]interface {}"
  | "map[string]string"
  | "map[string]interface {}";

export function typeOf(value: Value): GoType {
  switch (typeof value) {
    case "string":
      return "string";
    case "number":
      return "float64";
    case "bigint":
      return "int";
    case "boolean":
      return "bool";
    case "undefined":
      return "<nil>";
    default:
      if (value === null) return "<nil>";
      if (isList(value)) return "[]interface {}";
      if (value instanceof StringMap) return "map[string]string";
      if (value instanceof Byte) return "uint8";
      return "map[string]interface {}";
  }
}

export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** The entries of a map of either kind; undefined for all else. */
export function entriesOf(value: Value): ValueMap | undefined {
  if (typeof value !== "object" || value === null || isList(value) || value instanceof Byte) return undefined;
  return value instanceof StringMap ? value.entries : value;
}

/** Whether `if` takes it for true: not false, 0, "", nil, nor empty. */
export function isTrue(value: Value): boolean {
  switch (typeof value) {
    case "object":
      if (value === null) return false;
      if (isList(value)) return value.length > 0;
      if (value instanceof Byte) return value.value !== 0;
      return Object.keys(entriesOf(value)!).length > 0;
    case "number":
      return value !== 0; // NaN is true
    default:
      return Boolean(value);
  }
}
