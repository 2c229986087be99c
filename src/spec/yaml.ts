import {
  Composer,
  CST,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  Lexer,
  LineCounter,
  type ParsedNode,
  Parser,
  parseDocument,
  visit,
} from "yaml";
import { messageOf, SlipwayError } from "../base/errors.js";
import { allAtOnce, type Slices } from "../base/slices.js";
import { type FieldPath, type Locate, type Problem, problemsError } from "./problems.js";
import { composerOptions, LongLists } from "./yaml-lists.js";

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
export const readYaml = (
  text: string,
  fileName: string,
  kind: YamlKind,
): { value: unknown; locate: Locate } => allAtOnce(readYamlInSlices(text, fileName, kind));

/** `readYaml`, with pauses. */
export function* readYamlInSlices(
  text: string,
  fileName: string,
  kind: YamlKind,
): Slices<{ value: unknown; locate: Locate }> {
  if (text.length > kind.maxBytes) {
    const mebibytes = kind.maxBytes / 1024 / 1024;
    throw new SlipwayError(
      "CONFIG_INVALID",
      `${fileName}: longer than ${kind.name} may be (${mebibytes} MiB)`,
    );
  }
  try {
    return yield* read(text, fileName, kind);
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep(fileName); // out of stack: the parser recurses
    throw error;
  }
}

function* read(text: string, fileName: string, kind: YamlKind): Slices<{ value: unknown; locate: Locate }> {
  const lines = new LineCounter();
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${fileName}:${Math.max(1, line)}:${Math.max(1, col)}`;
  };
  const problems: Problem[] = [];
  const check = (document: Document.Parsed): void => {
    const { errors, warnings } = document;
    // The parser reports it as an error of the text, when it catches it.
    if (errors.some(({ message }) => message.includes("call stack"))) throw tooDeep(fileName);
    for (const { message, pos } of [...errors, ...warnings])
      problems.push({ path: [], message: plain(message), where: place(pos[0]) });
    visit(document, {
      Pair(_, { key }) {
        // Assigned to an object, it would not be a key.
        if (isScalar(key) && key.value === "__proto__") {
          const where = place(key.range?.[0] ?? 0);
          problems.push({ path: [], message: "__proto__ cannot be a key", where });
        }
      },
    });
  };
  const lists = new LongLists((piece) => {
    check(piece);
    return problems.length > 0 ? [] : toData(piece, fileName, maxDepth - 1);
  });
  const [document, second] = yield* compose(text, lines, kind.textFields.length === 0 ? lists : undefined);
  if (document === undefined) return { value: null, locate: () => `${fileName}:1:1` };

  for (const each of second ? [document, second] : [document]) check(each);
  if (second) {
    const where = place(second.contents?.range?.[0] ?? second.range?.[0] ?? 0);
    problems.push({ path: [], message: `${kind.name} holds one document; this is a second one`, where });
  }
  if (problems.length > 0) throw problemsError(withoutRepeats(problems));
  keepNumbersAsWritten(document, kind.textFields);
  const value = toData(document, fileName, maxDepth);
  for (const [key, list] of lists.taken) {
    const owner = value as Record<string, unknown[]>;
    owner[key] = list.values.concat(owner[key]);
    list.values = []; // not kept for as long as fields are located
  }
  return { value, locate: (path) => place(offsetIn(document, lists, path, text, lines)) };
}

/** One missing bracket is reported once for each level that it leaves open. */
function withoutRepeats(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [`${problem.where} ${problem.message}`, problem])).values()];
}

/** So many tokens are read before there may be a pause. */
const tokensAtATime = 2000;

/** The first two documents of a text, and of the first one only what `lists` has not taken. */
function* compose(text: string, lines: LineCounter, lists: LongLists | undefined): Slices<Document.Parsed[]> {
  const composer = new Composer(composerOptions);
  const parser = new Parser(lines.addNewLine);
  const documents: Document.Parsed[] = [];
  const take = (tokens: Iterable<CST.Token>): void => {
    for (const token of tokens) {
      for (const document of composer.next(token)) documents.push(document as Document.Parsed);
    }
  };
  lines.addNewLine(0);
  let count = 0;
  let isScalar = false;
  let dependent = false;
  for (const lexeme of new Lexer().lex(text)) {
    dependent ||= !isScalar && /^[&*%]/.test(lexeme);
    isScalar = lexeme === CST.SCALAR;
    take(parser.next(lexeme));
    if (++count % tokensAtATime > 0) continue;
    if (!dependent && documents.length === 0) lists?.takeFrom(parser);
    yield;
  }
  take(parser.end());
  for (const document of composer.end()) documents.push(document as Document.Parsed);
  return documents;
}

function toData(document: Document.Parsed, fileName: string, depth: number): unknown {
  try {
    const value: unknown = document.toJS({ maxAliasCount: maxAliases });
    if (isDeeper(value, depth)) throw tooDeep(fileName);
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

/** `offsetOf`, in a document whose long lists begin with items that were taken from it. */
function offsetIn(
  document: Document.Parsed,
  { taken }: LongLists,
  [key, item, ...inner]: FieldPath,
  text: string,
  lines: LineCounter,
): number {
  const path = [key, item].filter((part) => part !== undefined);
  const list = key === undefined ? undefined : taken.get(String(key));
  if (list === undefined || typeof item !== "number") return offsetOf(document, [...path, ...inner]);
  const [from, to] = [list.from[item], list.to[item]];
  if (from === undefined) return offsetOf(document, [key!, item - list.from.length, ...inner]);
  if (inner.length === 0) return from;
  // Read once more by itself, at the column where it stands.
  const column = lines.linePos(from).col - 1;
  const again = parseDocument(" ".repeat(column) + text.slice(from, to), composerOptions);
  return offsetOf(again as Document.Parsed, inner) - column + from;
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
