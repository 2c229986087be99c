import {
  Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  Scalar,
  type Tags,
  visit,
  YAMLMap,
  YAMLSeq,
} from "yaml";
import { messageOf, SlipwayError } from "../base/errors.js";

/** The three lists of a kubeconfig, and what the body of an entry of each is called (client-go `clientcmd/api/v1`). */
export const lists = { clusters: "cluster", users: "user", contexts: "context" } as const;
export type ListName = keyof typeof lists;

/** The name of the extension that marks an entry as ours, as minikube marks its own. */
export const marker = "slipway.dev";

/** The fields of an entry that are ours; undefined removes one that would contradict them. The rest is the user's. */
export type Fields = Record<string, string | undefined>;

/**
 * One kubeconfig file as a document that can be edited: comments, unknown fields and the order of entries stay, and of
 * the entries only those that are named change.
 */
export class KubeconfigDocument {
  readonly #path: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #source: string;

  private constructor(path: string, source: string, document: Document, lines: LineCounter) {
    this.#path = path;
    this.#source = source;
    this.#document = document;
    this.#lines = lines;
  }

  /**
   * @param path for messages.
   * @throws {SlipwayError} `KUBECONFIG_INVALID` with file, line and column.
   */
  static parse(path: string, source: string): KubeconfigDocument {
    const lines = new LineCounter();
    const parsed = parseAllDocuments(source, {
      customTags: withoutNumbers,
      lineCounter: lines,
      prettyErrors: false, // pretty ones quote the text, which has keys
    });
    const [document, second] = "empty" in parsed ? [emptyDocument(parsed.comment)] : parsed;
    const kubeconfig = new KubeconfigDocument(path, source, document ?? emptyDocument(""), lines);
    if (second) throw kubeconfig.#invalid("it holds more than one YAML document", second.range?.[0]);
    kubeconfig.#check();
    return kubeconfig;
  }

  get currentContext(): string {
    const value = this.#root()?.get("current-context");
    return value === undefined || value === null ? "" : String(value);
  }

  setCurrentContext(name: string): void {
    if (this.currentContext !== name) setString(this.#makeRoot(), "current-context", name);
  }

  has(list: ListName, name: string): boolean {
    return this.#find(list, name) !== undefined;
  }

  /** Whether an entry carries our mark. */
  isOurs(list: ListName, name: string): boolean {
    const extensions = this.#body(list, name)?.get("extensions");
    return isSeq(extensions) && extensions.items.some((item) => isMap(item) && item.get("name") === marker);
  }

  /** A field of an entry's body. */
  field(list: ListName, name: string, field: string): string | undefined {
    const value = this.#body(list, name)?.get(field);
    return value === undefined || value === null ? undefined : String(value);
  }

  /** Makes or updates an entry, and stamps it when that changed anything. */
  put(list: ListName, name: string, fields: Fields, stamp: Record<string, string>): void {
    const body = this.#body(list, name) ?? this.#add(list, name);
    let changed = !this.isOurs(list, name);
    for (const [field, value] of Object.entries(fields)) {
      if (this.field(list, name, field) === value) continue;
      changed = true;
      if (value === undefined) body.delete(field);
      else setString(body, field, value);
    }
    if (changed) this.#stamp(body, stamp);
  }

  remove(list: ListName, name: string): void {
    const entries = this.#entries(list);
    const found = this.#find(list, name);
    if (!entries || !found) return;
    const index = entries.items.indexOf(found);
    entries.items.splice(index, 1);
    // A comment above the entry may be about what follows: it stays.
    const next = entries.items[index];
    if (isMap(next)) next.commentBefore = joinComments(found.commentBefore, next.commentBefore);
    else entries.comment = joinComments(found.commentBefore, entries.comment);
    if (entries.items.length > 0) return;
    const nothing = new Scalar(null); // an empty list has no place for comments that can be read again
    nothing.comment = joinComments(entries.commentBefore, entries.comment);
    if (nothing.comment) this.#root()?.set(list, nothing);
  }

  /**
   * The file's new text. An edit that changed nothing gives the text that was read.
   *
   * @param name the only entries that may differ from what was read.
   * @throws {SlipwayError} `KUBECONFIG_INVALID` when the file is written in a way that cannot be edited without
   * changing what is not ours (YAML anchors across entries, for one).
   */
  toText(name: string): string {
    let text: string;
    try {
      const before = KubeconfigDocument.parse(this.#path, this.#source);
      if (before.#contents() === this.#contents()) return this.#source;
      text = this.#stringify();
      const after = KubeconfigDocument.parse(this.#path, text);
      if (!before.#root() || before.#contentsWithout(name) === after.#contentsWithout(name)) return text;
    } catch (error) {
      throw this.#invalid(`its entries cannot be edited safely: ${messageOf(error)}`, 0);
    }
    throw this.#invalid("its entries cannot be edited without changing others", 0);
  }

  #stringify(): string {
    const root = this.#root();
    const asJson = root?.flow === true;
    return this.#document.toString({
      lineWidth: 0, // folding would rewrite long strings that are not ours
      indentSeq: !this.#hasFlushLists(),
      flowCollectionPadding: /[[{] \S/.test(this.#source),
      ...(asJson ? { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "QUOTE_DOUBLE" } : {}),
    });
  }

  /** Whether list items stand right below their key, as kubectl writes them; so we do in a new file. */
  #hasFlushLists(): boolean {
    for (const pair of this.#root()?.items ?? []) {
      const key = pair.key as Node | null;
      if (!isSeq(pair.value) || pair.value.flow || !pair.value.range || !key?.range) continue;
      return this.#lines.linePos(pair.value.range[0]).col === this.#lines.linePos(key.range[0]).col;
    }
    return true;
  }

  #contents(): string {
    return JSON.stringify(this.#document.toJS({ maxAliasCount: -1 }));
  }

  /** All that must not change, as text. */
  #contentsWithout(name: string): string {
    const { "current-context": _, ...rest } = (this.#document.toJS({ maxAliasCount: -1 }) ?? {}) as Record<
      string,
      unknown
    >;
    for (const list of Object.keys(lists)) {
      const entries = ((rest[list] ?? []) as { name: string }[]).filter((entry) => entry.name !== name);
      rest[list] = entries;
    }
    const sorted = Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify(sorted);
  }

  #root(): YAMLMap | undefined {
    return isMap(this.#document.contents) ? this.#document.contents : undefined;
  }

  #makeRoot(): YAMLMap {
    const root = this.#root();
    if (root) return root;
    const made = this.#document.createNode({ apiVersion: "v1", kind: "Config" }) as YAMLMap;
    this.#document.contents = made;
    return made;
  }

  #entries(list: ListName): YAMLSeq | undefined {
    const entries = this.#root()?.get(list);
    return isSeq(entries) ? entries : undefined;
  }

  #find(list: ListName, name: string): YAMLMap | undefined {
    return this.#entries(list)?.items.find(
      (item): item is YAMLMap => isMap(item) && String(item.get("name")) === name,
    );
  }

  #body(list: ListName, name: string): YAMLMap | undefined {
    const body = this.#find(list, name)?.get(lists[list]);
    return isMap(body) ? body : undefined;
  }

  /** Adds an entry without fields at the end of its list and gives back its body. */
  #add(list: ListName, name: string): YAMLMap {
    const root = this.#makeRoot();
    let entries = this.#entries(list);
    let comment: string | null | undefined;
    if (!entries) {
      entries = new YAMLSeq();
      const empty = root.get(list, true);
      root.set(list, entries);
      comment = isScalar(empty) ? empty.comment : undefined; // `users: null # like this`
    }
    if (entries.items.length === 0) entries.flow = root.flow ?? false;
    const existing = this.#find(list, name);
    const entry = existing ?? new YAMLMap();
    if (comment) entry.commentBefore = comment;
    const body = new YAMLMap();
    entry.set(lists[list], body);
    if (!existing) {
      setString(entry, "name", name);
      entries.add(entry);
    }
    return body;
  }

  #stamp(body: YAMLMap, stamp: Record<string, string>): void {
    let extensions = body.get("extensions");
    if (!isSeq(extensions)) {
      extensions = new YAMLSeq();
      body.set("extensions", extensions);
    }
    const list = extensions as YAMLSeq;
    list.items = list.items.filter((item) => !(isMap(item) && item.get("name") === marker));
    const extension = this.#document.createNode({ extension: stamp, name: marker });
    visit(extension, { Scalar: (key, scalar) => (key === "key" ? undefined : quoteIfNeeded(scalar)) });
    list.add(extension);
  }

  /** Refuses what kubectl would refuse, and what we could not edit. */
  #check(): void {
    const [error] = this.#document.errors;
    if (error) throw this.#invalid(error.message, error.pos[0]);
    const { contents } = this.#document;
    if (contents === null || (isScalar(contents) && contents.value === null)) {
      this.#document.contents = null;
      return;
    }
    const root = this.#root();
    if (!root) throw this.#invalid("it is not a mapping", contents.range?.[0]);
    for (const [key, wanted] of [
      ["apiVersion", "v1"],
      ["kind", "Config"],
    ]) {
      const value = root.get(key!);
      if (value !== undefined && value !== null && value !== "" && value !== wanted)
        throw this.#invalid(`its ${key} is ${String(value)}, not ${wanted}`, this.#offset(root, key!));
    }
    for (const list of Object.keys(lists) as ListName[]) this.#checkList(root, list);
  }

  #checkList(root: YAMLMap, list: ListName): void {
    const value = root.get(list);
    if (value === undefined || value === null) return;
    if (!isSeq(value)) throw this.#invalid(`${list} is not a list`, this.#offset(root, list));
    const names = new Set<string>();
    for (const item of value.items) {
      const offset = (item as Node).range?.[0];
      if (!isMap(item)) throw this.#invalid(`an entry of ${list} is not a mapping`, offset);
      const name = item.get("name");
      if (typeof name !== "string") throw this.#invalid(`an entry of ${list} has no name`, offset);
      if (names.has(name)) throw this.#invalid(`${list} has two entries named ${name}`, offset);
      names.add(name);
    }
  }

  #offset(map: YAMLMap, key: string): number | undefined {
    const node = map.get(key, true) as Node | undefined;
    return node?.range?.[0];
  }

  #invalid(why: string, offset: number | undefined): SlipwayError {
    const { line, col } = this.#lines.linePos(offset ?? 0);
    const position = line === 0 ? this.#path : `${this.#path}:${line}:${col}`;
    return new SlipwayError("KUBECONFIG_INVALID", `${position}: ${why}`, {
      hint: "the file was left unchanged; mend it, or move it away and run the same command again",
    });
  }
}

/** Numbers stay the text that they are (`007`, `1_000`): nothing here computes with them, and they must not change. */
const withoutNumbers = (tags: Tags): Tags =>
  tags.filter((tag) => typeof tag === "string" || !/:(int|float)$/.test(tag.tag));

function emptyDocument(comment: string): Document {
  const document = new Document(null);
  if (comment) document.commentBefore = comment;
  return document;
}

const joinComments = (...comments: (string | null | undefined)[]): string | null =>
  comments.filter(Boolean).join("\n") || null;

function setString(map: YAMLMap, key: string, value: string): void {
  const existing = map.get(key, true);
  if (isScalar(existing)) {
    existing.value = value;
    quoteIfNeeded(existing);
  } else {
    const scalar = new Scalar(value);
    quoteIfNeeded(scalar);
    map.set(key, scalar);
  }
}

/** kubectl reads YAML 1.1, to which `on`, `1e3`, `1_0`, `12:30` and dates are no strings (yaml.org/type). */
function quoteIfNeeded(scalar: Scalar): void {
  const { value } = scalar;
  if (typeof value !== "string") return;
  const isPlain = /^[A-Za-z/][A-Za-z0-9+/=.:_-]*$/.test(value);
  const isWord = /^(y|yes|n|no|on|off|true|false|null)$/i.test(value);
  if (!isPlain || isWord) scalar.type = Scalar.QUOTE_DOUBLE;
  else if (scalar.type !== Scalar.QUOTE_DOUBLE && scalar.type !== Scalar.QUOTE_SINGLE) delete scalar.type;
}
