import * as z from "zod";
import { configSchema } from "../schema.js";

/** What a place of a Butane config holds. Keys are as they are written there: snake_case. */
export type Shape =
  | { kind: "text" | "integer" | "flag" }
  /** Not read: only that it is there. */
  | { kind: "anything" }
  | { kind: "list"; item: Shape }
  | ObjectShape;

export interface ObjectShape {
  kind: "object";
  fields: Record<string, Shape>;
}

export const text: Shape = { kind: "text" };
export const integer: Shape = { kind: "integer" };
export const flag: Shape = { kind: "flag" };
export const listOf = (item: Shape): Shape => ({ kind: "list", item });
export const object = (fields: Record<string, Shape>): ObjectShape => ({ kind: "object", fields });

/** `size_mib` → `sizeMiB`: a Butane key by Ignition's name. */
export const camelKey = (key: string): string =>
  key.replace(/_mib$/, "_miB").replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** `sizeMiB` → `size_mib` */
export const snakeKey = (key: string): string =>
  key.replace(/MiB|[A-Z]/g, (part) => `_${part.toLowerCase()}`);

/**
 * The part of a Butane config that all variants share, by the Ignition spec 3.`minor` that it becomes: Ignition's own fields in
 * snake_case, and what Butane adds (coreos.github.io/butane/config-fcos-v1_6 and its siblings).
 */
export function baseShape(minor: number): Record<string, Shape> {
  const config = shapeOf(configSchema(minor), minor) as ObjectShape;
  const ignition = config.fields.ignition as ObjectShape;
  delete ignition.fields.version;
  return { variant: text, version: text, ...config.fields };
}

function shapeOf(schema: unknown, minor: number): Shape {
  if (schema instanceof z.ZodOptional) return shapeOf(schema.unwrap(), minor);
  if (schema instanceof z.ZodArray) return listOf(shapeOf(schema.element, minor));
  if (schema instanceof z.ZodObject) {
    const fields = Object.entries(schema.shape).map(([key, field]) => [snakeKey(key), shapeOf(field, minor)]);
    const known = Object.fromEntries(fields) as Record<string, Shape>;
    return object({ ...known, ...additions(known, minor) });
  }
  if (schema instanceof z.ZodBoolean) return flag;
  return schema instanceof z.ZodNumber ? integer : text;
}

/** Butane's own fields, by what else the object has. */
function additions(known: Record<string, Shape>, minor: number): Record<string, Shape> {
  const has = (...keys: string[]) => keys.every((key) => key in known);
  if (has("source", "compression")) return minor >= 1 ? { inline: text, local: text } : { inline: text };
  if (has("wipe_filesystem") && minor >= 1) return { with_mount_unit: flag };
  if (has("files", "filesystems") && minor >= 1) {
    return { trees: listOf(object({ local: text, path: text })) };
  }
  if (minor < 4) return {};
  if (has("ssh_authorized_keys")) return { ssh_authorized_keys_local: listOf(text) };
  return has("name", "contents") ? { contents_local: text } : {};
}
