import * as z from "zod";
import { isSlipwayError } from "../../base/errors.js";
import { parseMac } from "../../net/mac.js";
import { inspectBy } from "../../spec/form.js";
import { type FieldPath, pathText } from "../../spec/problems.js";
import { jsonPlace, readJson, repeatedKeys } from "./json-place.js";
import type { InventoryProblem } from "./problem.js";
import type { BootProfile, Group, JsonValue } from "./types.js";

const map = z.custom<Record<string, JsonValue>>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "is not a map",
);

/** `groups/<id>.json` as matchbox reads it (matchbox 0.11, storage/storagepb/group.go). */
const groupSchema = z.strictObject({
  id: z.string().optional(),
  name: z.string().optional(),
  profile: z.string().min(1, "is empty; name a boot profile"),
  selector: z.record(z.string(), z.string()).optional(),
  metadata: map.optional(),
});

const strings = z.array(z.string()).optional();

/** `profiles/<id>.json` (storage/storagepb/storage.pb.go). */
const profileSchema = z.strictObject({
  id: z.string().optional(),
  name: z.string().optional(),
  boot: z.strictObject({ kernel: z.string().optional(), initrd: strings, args: strings }).optional(),
  ignition_id: z.string().optional(),
  cloud_id: z.string().optional(),
  generic_id: z.string().optional(),
});

interface Parsed<T> {
  /** Undefined when there are errors. */
  value?: T;
  problems: InventoryProblem[];
}

/** Reads a group. Its id is its file's name, as for matchbox's look-ups; a MAC in its selector is made canonical. */
export function parseGroup(text: string, file: string, id: string): Parsed<Group> {
  const { value: form, problems } = parseObject(groupSchema, text, file, id);
  if (form === undefined) return { problems };
  const selector: Record<string, string> = {};
  for (const [key, value] of Object.entries(form.selector ?? {})) {
    try {
      selector[key] = key.toLowerCase() === "mac" ? parseMac(value) : value;
    } catch (error) {
      if (!isSlipwayError(error, "ADDRESS_INVALID")) throw error;
      problems.push(problemAt(text, file, "mac", ["selector", key], error.message));
    }
  }
  if (problems.some(({ severity }) => severity === "error")) return { problems };
  const group: Group = {
    id,
    ...(form.name ? { name: form.name } : {}),
    profile: form.profile,
    selector,
    metadata: form.metadata ?? {},
    place: { file },
  };
  return { value: group, problems };
}

/** Reads a boot profile. Its id is its file's name. */
export function parseProfile(text: string, file: string, id: string): Parsed<BootProfile> {
  const { value: form, problems } = parseObject(profileSchema, text, file, id);
  if (form === undefined) return { problems };
  const { kernel, initrd = [], args = [] } = form.boot ?? {};
  const profile: BootProfile = {
    id,
    ...(form.name ? { name: form.name } : {}),
    boot: { ...(kernel ? { kernel } : {}), initrd, args },
    ...(form.ignition_id ? { ignitionId: form.ignition_id } : {}),
    ...(form.cloud_id ? { cloudId: form.cloud_id } : {}),
    ...(form.generic_id ? { genericId: form.generic_id } : {}),
    place: { file },
  };
  return { value: profile, problems };
}

/** Fields that are not known are warned of and left out, since matchbox takes no notice of them. */
function parseObject<T extends { id?: string | undefined }>(
  schema: z.ZodObject & z.ZodType<T>,
  text: string,
  file: string,
  id: string,
): Parsed<T> {
  const read = readJson(text, file);
  if ("problem" in read) return { problems: [read.problem] };
  const value = asGoReads(read.value, schema);
  const problems = repeatedKeys(text, file);
  let inspected = inspectBy<T>(schema, value);
  for (const { path, message, unknownField } of inspected.problems) {
    const check = unknownField ? "unknown-field" : "field";
    problems.push(problemAt(text, file, check, path, message, unknownField ? "warning" : "error"));
    if (unknownField) drop(value, path);
  }
  if (inspected.problems.every(({ unknownField }) => unknownField)) inspected = inspectBy<T>(schema, value);
  if (inspected.form?.id && inspected.form.id !== id) {
    const message = `${JSON.stringify(inspected.form.id)} is not what the file is called: it is looked up as ${JSON.stringify(id)}`;
    problems.push(problemAt(text, file, "id", ["id"], message, "warning"));
  }
  return { ...(inspected.form ? { value: inspected.form } : {}), problems };
}

/** encoding/json of Go: keys of a struct match in any case, and null is the same as nothing. */
function asGoReads(value: unknown, schema: z.ZodObject): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const names = new Map(Object.keys(schema.shape).map((name) => [name.toLowerCase(), name]));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null)
      .map(([key, field]) => {
        const name = names.get(key.toLowerCase()) ?? key;
        return [name, name === "boot" ? asGoReads(field, profileSchema.shape.boot.unwrap()) : field];
      }),
  );
}

function drop(value: unknown, path: FieldPath): void {
  const owner = path.slice(0, -1).reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], value);
  delete (owner as Record<string, unknown>)[path.at(-1)!];
}

const problemAt = (
  text: string,
  file: string,
  check: string,
  path: FieldPath,
  message: string,
  severity: InventoryProblem["severity"] = "error",
): InventoryProblem => ({
  severity,
  check,
  place: jsonPlace(text, file, path),
  path: pathText(path),
  message,
});
