import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseAllDocuments,
  type Tags,
} from "yaml";
import { messageOf, SlipwayError } from "../base/errors.js";
import type { KubeObject } from "../plan/kube-object.js";
import { type FieldPath, type Problem, problemsError } from "../spec/problems.js";

/** Far beyond what a manifest has, and little enough to be read at once. */
const maxLength = 16 * 1024 * 1024;

/**
 * The objects of a manifest as `kubectl apply -f` reads it: YAML documents or JSON, each an object or a List of them.
 *
 * @param fileName for the messages
 * @throws {SlipwayError} `CONFIG_INVALID` with file, line and column of every problem
 */
export function parseManifest(text: string, fileName: string): KubeObject[] {
  if (text.length > maxLength) {
    throw new SlipwayError("CONFIG_INVALID", `${fileName}: longer than a manifest may be (16 MiB)`);
  }
  try {
    return parse(text, fileName);
  } catch (error) {
    // Out of stack: the parser recurses. Or aliases that expand without end, or one without its anchor.
    if (error instanceof RangeError || error instanceof ReferenceError) {
      throw new SlipwayError("CONFIG_INVALID", `${fileName}: ${messageOf(error).replace(/\s+/g, " ")}`);
    }
    throw error;
  }
}

function parse(text: string, fileName: string): KubeObject[] {
  const lines = new LineCounter();
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${fileName}:${Math.max(1, line)}:${Math.max(1, col)}`;
  };
  const documents = parseAllDocuments(text, {
    // Kubernetes reads YAML 1.1: `defaultMode: 0644` is octal, `on` is true.
    version: "1.1",
    customTags: withoutSurprises,
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    logLevel: "silent",
  });
  const read = Array.isArray(documents) ? documents : [];
  const problems: Problem[] = read.flatMap(({ errors, warnings }) =>
    [...errors, ...warnings].map(({ message, pos }) => ({
      path: [],
      message: message.replace(/\s+/g, " ").trim(),
      where: place(pos[0]),
    })),
  );
  if (problems.length > 0) throw problemsError(problems);

  const objects = read.flatMap((document) => {
    const value: unknown = document.toJS();
    if (value === null) return []; // nothing but comments between two `---`
    return listed(value).map(({ object, path }) => {
      const problem = problemOf(object);
      if (problem) {
        const where = place(offsetOf(document, [...path, ...problem.path]));
        problems.push({ ...problem, path: [...path, ...problem.path], where });
      }
      return object as KubeObject;
    });
  });
  if (problems.length > 0) throw problemsError(problems);
  if (objects.length === 0) {
    throw new SlipwayError("CONFIG_INVALID", `${fileName}:1:1: there is no Kubernetes object in it`);
  }
  return objects;
}

/** What YAML 1.1 has and Kubernetes' parser does not: `12:30` is no number to it, and `2024-01-01` no date. */
const withoutSurprises = (tags: Tags): Tags =>
  tags.filter(
    (tag) =>
      typeof tag === "string" ||
      (tag.format !== "TIME" && !/:(timestamp|binary|omap|pairs|set)$/.test(tag.tag)),
  );

/** The items of a List, or the object itself. Those of a ConfigMapList and its like need not say their kind. */
function listed(value: unknown): { object: unknown; path: FieldPath }[] {
  if (!isRecord(value) || !Array.isArray(value.items)) return [{ object: value, path: [] }];
  const { apiVersion, kind } = value;
  if (typeof kind !== "string" || !kind.endsWith("List")) return [{ object: value, path: [] }];
  const kindOfItems = kind === "List" ? {} : { apiVersion, kind: kind.slice(0, -"List".length) };
  return value.items.map((item, i) => ({
    object: isRecord(item) ? { ...kindOfItems, ...item } : item,
    path: ["items", i],
  }));
}

/** Why something is no object that can be applied; undefined when it is one. */
function problemOf(value: unknown): Problem | undefined {
  if (!isRecord(value)) return { path: [], message: "is not a Kubernetes object" };
  for (const field of ["apiVersion", "kind"]) {
    if (!isText(value[field])) return { path: [field], message: "is missing" };
  }
  if (!isRecord(value.metadata) || !isText(value.metadata.name)) {
    return { path: ["metadata", "name"], message: "is missing; every object needs one" };
  }
  return undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): boolean => typeof value === "string" && value !== "";

/** Where a field stands; of one that is missing, what it is missing from. */
function offsetOf(document: Document.Parsed, path: FieldPath): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    const item: unknown = isMap(node)
      ? node.items.find(({ key }) => String(key) === part)
      : isSeq(node)
        ? node.items[Number(part)]
        : undefined;
    if (item === undefined) break;
    offset = startOf(isPair(item) ? item.key : item) ?? offset;
    node = isPair(item) ? item.value : item;
  }
  return offset;
}

const startOf = (node: unknown): number | undefined =>
  isNode(node) ? (node as ParsedNode).range?.[0] : undefined;
