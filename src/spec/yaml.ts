import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  type ParsedNode,
  parseAllDocuments,
  visit,
} from "yaml";
import { messageOf, SlipwayError } from "../base/errors.js";
import { type FieldPath, type Locate, type Problem, problemsError } from "./problems.js";

/** What is read besides plain YAML. */
export interface YamlKind {
  /** `a cluster file`, for messages. */
  name: string;
  maxBytes: number;
  /** Fields in which `1.30` and `04` are the texts that they are: as numbers they would be 1.3 and 4. */
  textFields: readonly FieldPath[];
}

/** Deeper than any form goes. */
const maxDepth = 64;
const maxAliases = 100;

/**
 * A YAML document as plain data, and where each field of it stands.
 *
 * @throws {SlipwayError} `CONFIG_INVALID`: not YAML, a key twice, more than one document, aliases that expand without end.
 */
export function readYaml(text: string, fileName: string, kind: YamlKind): { value: unknown; locate: Locate } {
  if (text.length > kind.maxBytes) {
    const mebibytes = kind.maxBytes / 1024 / 1024;
    throw new SlipwayError(
      "CONFIG_INVALID",
      `${fileName}: longer than ${kind.name} may be (${mebibytes} MiB)`,
    );
  }
  try {
    return read(text, fileName, kind);
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep(fileName); // out of stack: the parser recurses
    throw error;
  }
}

function read(text: string, fileName: string, kind: YamlKind): { value: unknown; locate: Locate } {
  const lines = new LineCounter();
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${fileName}:${Math.max(1, line)}:${Math.max(1, col)}`;
  };
  const documents = parse(text, lines);
  const document = documents[0];
  if (document === undefined) return { value: null, locate: () => `${fileName}:1:1` };

  // The parser reports it as an error of the text, when it catches it.
  if (documents.some(({ errors }) => errors.some(({ message }) => message.includes("call stack")))) {
    throw tooDeep(fileName);
  }
  const problems: Problem[] = documents.flatMap(({ errors, warnings }) =>
    [...errors, ...warnings].map(({ message, pos }) => ({
      path: [],
      message: plain(message),
      where: place(pos[0]),
    })),
  );
  const second = documents[1];
  if (second) {
    const where = place(second.contents?.range?.[0] ?? second.range?.[0] ?? 0);
    problems.push({ path: [], message: `${kind.name} holds one document; this is a second one`, where });
  }
  visit(document, {
    Pair(_, { key }) {
      // Assigned to an object, it would not be a key.
      if (isScalar(key) && key.value === "__proto__") {
        problems.push({ path: [], message: "__proto__ cannot be a key", where: place(key.range?.[0] ?? 0) });
      }
    },
  });
  if (problems.length > 0) throw problemsError(withoutRepeats(problems));
  keepNumbersAsWritten(document, kind.textFields);
  return { value: toData(document, fileName), locate: (path) => place(offsetOf(document, path)) };
}

/** One missing bracket is reported once for each level that it leaves open. */
function withoutRepeats(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [`${problem.where} ${problem.message}`, problem])).values()];
}

function parse(text: string, lineCounter: LineCounter): Document.Parsed[] {
  const documents = parseAllDocuments(text, {
    lineCounter,
    prettyErrors: false,
    stringKeys: true,
    logLevel: "silent",
  });
  return Array.isArray(documents) ? documents : [];
}

function toData(document: Document.Parsed, fileName: string): unknown {
  try {
    const value: unknown = document.toJS({ maxAliasCount: maxAliases });
    if (isDeeper(value, maxDepth)) throw tooDeep(fileName);
    return value;
  } catch (error) {
    // Too many aliases, or one without its anchor.
    if (error instanceof ReferenceError) {
      throw new SlipwayError("CONFIG_INVALID", `${fileName}: ${plain(messageOf(error))}`);
    }
    throw error;
  }
}

const tooDeep = (fileName: string): SlipwayError =>
  new SlipwayError("CONFIG_INVALID", `${fileName}: nested deeper than ${maxDepth} levels`);

const plain = (message: string): string => message.replace(/\s+/g, " ").trim();

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((child) => isDeeper(child, depth - 1));
}

function keepNumbersAsWritten(document: Document.Parsed, fields: readonly FieldPath[]): void {
  const roots = fields.map((path) => document.getIn(path, true));
  for (const root of roots) {
    if (!isNode(root)) continue;
    visit(root, (_key, node) => {
      if (isScalar(node) && typeof node.value === "number" && typeof node.source === "string")
        node.value = node.source;
    });
  }
}

/** Where the field stands: its key in a map, itself in a list; of one that is missing, what it is missing from. */
function offsetOf(document: Document.Parsed, path: FieldPath): number {
  let node: unknown = document.contents;
  let offset = start(document.contents) ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (!isCollection(node)) break;
    const item: unknown = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part))
      : node.items[Number(part)];
    if (item === undefined) break;
    offset = start(isPair(item) ? item.key : item) ?? offset;
    node = isPair(item) ? item.value : item;
  }
  return offset;
}

const start = (node: unknown): number | undefined =>
  isNode(node) ? (node as ParsedNode).range?.[0] : undefined;
