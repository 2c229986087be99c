import type * as z from "zod";
import { eachPiece, itemsAtATime, type Slices } from "../base/slices.js";
import {
  type FieldPath,
  type Locate,
  nearText,
  nowhere,
  type Problem,
  problemsError,
  shown,
} from "./problems.js";
import { type ClusterForm, formSchema } from "./schema.js";

/**
 * Takes a value for a form, when it is one.
 *
 * @param locate says where each field was written, for the messages.
 * @throws {SlipwayError} `CONFIG_INVALID` with every problem.
 */
export function checkForm(value: unknown, locate: Locate = nowhere): ClusterForm {
  const { form, problems } = inspectForm(value, locate);
  if (form === undefined) throw problemsError(problems);
  return form;
}

/** `checkForm` for those who have more problems to tell. */
export const inspectForm = (
  value: unknown,
  locate: Locate = nowhere,
): { form?: ClusterForm; problems: Problem[] } => inspectBy(formSchema, value, locate);

/** Takes a value for what a schema describes, when it is that; else says what is wrong, as for people. */
export function inspectBy<T>(
  schema: z.ZodType<T>,
  value: unknown,
  locate: Locate = nowhere,
): { form?: T; problems: Problem[] } {
  const result = schema.safeParse(value, { error: (issue) => issueText(issue) });
  if (result.success) return { form: result.data, problems: [] };
  const problems = result.error.issues.flatMap((issue) => problemsOfIssue(issue, []));
  return { problems: problems.map((problem) => ({ ...problem, where: locate(problem.path) })) };
}

/**
 * `inspectBy` with pauses: lists that are long are looked at piece by piece, before all else.
 *
 * @param value its long lists are emptied on the way, so that not both they and the form's fill the memory
 */
export function* inspectInSlices<T extends object>(
  schema: z.ZodObject & z.ZodType<T>,
  value: object,
  locate: Locate = nowhere,
): Slices<{ form?: T; problems: Problem[] }> {
  const rest: Record<string, unknown> = { ...value };
  const lists: Record<string, unknown[]> = {};
  const problems: Problem[] = [];
  for (const [key, list] of Object.entries(value)) {
    const listSchema = schema.shape[key] as z.ZodType<unknown[]> | undefined;
    if (listSchema === undefined || !Array.isArray(list) || list.length <= itemsAtATime) continue;
    const form: unknown[] = [];
    yield* eachPiece(list, (piece, from) => {
      const pathOf = ([index, ...path]: FieldPath): FieldPath => [key, from + Number(index), ...path];
      const inspected = inspectBy(listSchema, piece, (path) => locate(pathOf(path)));
      form.push(...(inspected.form ?? []));
      for (const problem of inspected.problems) problems.push({ ...problem, path: pathOf(problem.path) });
      list.fill(undefined, from, from + piece.length);
    });
    lists[key] = form;
    rest[key] = [];
  }
  const inspected = inspectBy<T>(schema, rest, locate);
  problems.push(...inspected.problems);
  return { ...(problems.length === 0 && { form: { ...inspected.form!, ...lists } }), problems };
}

function problemsOfIssue(issue: z.core.$ZodIssue, parents: FieldPath): Problem[] {
  const path = [...parents, ...issue.path.map((part) => (typeof part === "number" ? part : String(part)))];
  switch (issue.code) {
    case "unrecognized_keys": {
      const messages = issue.message.split("\n"); // one a key, see issueText
      return issue.keys.map((key, i) => ({
        path: [...path, key],
        message: messages[i] ?? issue.message,
        unknownField: true,
      }));
    }
    case "invalid_union": {
      // The alternative that was meant is the one of the value's own type; without one, say what could stand here.
      const meant = issue.errors.filter(
        (issues) => !issues.some((inner) => inner.path.length === 0 && isOtherType(inner)),
      );
      return meant.length === 1
        ? meant[0]!.flatMap((inner) => problemsOfIssue(inner, path))
        : [{ path, message: issue.message }];
    }
    default:
      return [{ path, message: issue.message }];
  }
}

/** Whether it says that the value is of another type; a broken number is still a number. */
const isOtherType = (issue: z.core.$ZodIssue): boolean =>
  issue.code === "invalid_type" && (issue.expected as string) !== "int";

const typeNames: Record<string, string> = {
  object: "a map",
  record: "a map",
  array: "a list",
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

/** What one of zod's issues says to a person; undefined leaves zod's own message. */
function issueText(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return typeText(issue.expected, issue.input);
    case "invalid_union":
      return typeText(unionTypes(issue.inst), issue.input);
    case "invalid_value": {
      const values = issue.values.map(String);
      if (issue.input === undefined) return `is missing; write ${values.join(" or ")}`;
      return `${shown(issue.input)} is not possible here${nearText(String(issue.input), values) || `; there ${values.length === 1 ? "is" : "are"} ${values.join(", ")}`}`;
    }
    case "unrecognized_keys": {
      const known = Object.keys((issue.inst as z.ZodObject | undefined)?.shape ?? {});
      return issue.keys
        .map((key) => `there is no such field${nearText(key, known) || `; there are ${known.join(", ")}`}`)
        .join("\n");
    }
    case "too_small":
      return issue.origin === "array"
        ? "is empty"
        : `${shown(issue.input)} is too small; at least ${issue.minimum}`;
    case "too_big":
      return `${shown(issue.input)} is too large; at most ${issue.maximum}`;
    default:
      return undefined;
  }
}

/** `a number or a text`, of a union's alternatives. */
function unionTypes(inst: unknown): string {
  const options = ((inst as z.ZodUnion | undefined)?.options ?? []) as z.ZodType[];
  return options.map(({ type }) => typeNames[type] ?? type).join(" or ");
}

function typeText(expected: string, input: unknown): string {
  if (input === undefined) return "is missing";
  const wanted = typeNames[expected] ?? expected;
  if (input === null) return `is empty; write ${wanted}, or leave the field out`;
  if (expected === "string" && (typeof input === "number" || typeof input === "boolean")) {
    return `${shown(input)} is not ${wanted}; write it in quotes, as ${shown(String(input))}`;
  }
  return `${shown(input)} is not ${wanted}`;
}
