import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { isDeeperThan } from "../depth.js";
import type { LocatedProblem } from "../parse.js";
import type { Problem } from "../problem.js";
import { isNull, type YamlNode } from "./yaml-scalar.js";

/** A key of a YAML mapping with its value. */
export interface YamlEntry {
  key: string;
  keyNode: Node;
  /** Undefined where nothing stands: null. */
  value: YamlNode | undefined;
  /** The mapping says the key twice. */
  repeated: boolean;
}

/** How many nodes are handed out beside one for each character: a short text of aliases to aliases stands for a very long one. */
const spareNodes = 400_000;

/** A mapping may merge itself. */
const maxMergeDepth = 50;

/** The composer calls itself; each level of a text is three of its tokens. */
const maxTokenDepth = 600;

/** The first document of a YAML text, with its positions. */
export class YamlSource {
  readonly root: YamlNode | undefined;
  /** What keeps the text from being read, and what is not read of it. */
  readonly #problems: LocatedProblem[];
  /** Mappings that were read and are none of text to something, by their place. */
  readonly #broken = new Map<number, string>();
  readonly #targets: Map<Alias, Node>;
  readonly #entries = new Map<YAMLMap, YamlEntry[]>();
  readonly #index = new Map<YAMLMap, Map<string, YamlEntry>>();
  readonly #items = new Map<YAMLSeq, YamlNode[]>();
  readonly #lines = new LineCounter();
  readonly #file: string;
  /** How many nodes may still be handed out. */
  #nodesLeft: number;
  #mergeDepth = 0;

  constructor(text: string, file: string) {
    this.#file = file;
    this.#nodesLeft = text.length + spareNodes;
    const tokens = [...new Parser(this.#lines.addNewLine).parse(text)];
    if (tokens.some((token) => isDeeperThan(token, maxTokenDepth))) {
      this.#targets = new Map();
      this.#problems = [this.#problem(0, "nested too deeply", "error")];
      return;
    }
    // Scalars stay text: what they mean depends on the field that they are for.
    const composer = new Composer({ schema: "failsafe", uniqueKeys: false, logLevel: "silent" });
    const [first, second] = composer.compose(tokens);
    // The first error; those after it mostly follow from it.
    const errors = (first?.errors ?? []).slice(0, 1);
    this.#targets = first && errors.length === 0 ? aliasTargets(first) : new Map();
    this.#problems = errors.map(({ message, pos }) => this.#problem(pos[0], message, "error"));
    if (second && second.contents !== null && this.#problems.length === 0) {
      const message = "a second document: only the first one is read";
      this.#problems.push(this.#problem(second.range[0], message, "warning"));
    }
    this.root = this.#problems.some(({ severity }) => severity === "error")
      ? undefined
      : this.#resolve(first?.contents ?? undefined);
  }

  get problems(): LocatedProblem[] {
    if (this.#nodesLeft < 0) this.#broken.set(0, "too many aliases");
    const broken = [...this.#broken].map(([offset, message]) => this.#problem(offset, message, "error"));
    return [...this.#problems, ...broken];
  }

  /** The mapping's entries in order, merge keys (`<<`) put in; its own keys win. */
  entries(map: YAMLMap): YamlEntry[] {
    return this.#handOut(this.#entriesOf(map));
  }

  /** The sequence's items; empty ones are left out. */
  items(sequence: YAMLSeq): YamlNode[] {
    return this.#handOut(this.#itemsOf(sequence));
  }

  #handOut<T>(nodes: T[]): T[] {
    this.#nodesLeft -= nodes.length;
    return this.#nodesLeft < 0 ? [] : nodes;
  }

  #entriesOf(map: YAMLMap): YamlEntry[] {
    const entries = this.#entries.get(map) ?? this.#readEntries(map);
    this.#entries.set(map, entries);
    return entries;
  }

  #readEntries(map: YAMLMap): YamlEntry[] {
    const entries: YamlEntry[] = [];
    const own = new Set<string>();
    const merged: Node[] = [];
    for (const pair of map.items as Pair<Node, Node | null>[]) {
      const key = keyText(pair.key);
      if (key === undefined) {
        this.#broken.set(pair.key.range?.[0] ?? 0, "a key is text, no list or mapping");
        continue;
      }
      if (key === "<<" && isScalar(pair.key) && pair.key.type === "PLAIN") {
        merged.push(pair.value ?? pair.key);
        continue;
      }
      const value = this.#resolve(pair.value ?? undefined);
      entries.push({ key, keyNode: pair.key, value, repeated: own.has(key) });
      own.add(key);
    }
    for (const node of merged) {
      for (const entry of this.#mergedEntries(node)) {
        if (own.has(entry.key)) continue;
        own.add(entry.key);
        entries.push(entry);
      }
    }
    return entries;
  }

  #itemsOf(sequence: YAMLSeq): YamlNode[] {
    const items =
      this.#items.get(sequence) ??
      (sequence.items as (Node | null)[])
        .map((item) => this.#resolve(item ?? undefined))
        .filter((item) => item !== undefined)
        .filter((item) => !isNull(item));
    this.#items.set(sequence, items);
    return items;
  }

  /** Adds the place of each problem's path, or of the nearest thing above it that stands in the text. */
  locate(problems: Problem[]): LocatedProblem[] {
    return problems.map(({ path, message, severity }) => {
      const located = this.#problem(this.#offsetOf(path), message, severity);
      return { ...located, path };
    });
  }

  /** Whether something stands at a path. */
  has(path: Problem["path"]): boolean {
    return this.#walk(path).rest === 0;
  }

  #offsetOf(path: Problem["path"]): number {
    return this.#walk(path).node?.range?.[0] ?? 0;
  }

  #walk(path: Problem["path"]): { node: Node | undefined; rest: number } {
    let at = this.root;
    let found: Node | undefined = this.root;
    for (const [i, step] of path.entries()) {
      const rest = path.length - i;
      if (isMap(at)) {
        const entry = this.#entry(at, String(step));
        if (!entry) return { node: found, rest };
        at = entry.value;
        found = at && !isNull(at) && !isMap(at) && !isSeq(at) ? at : entry.keyNode;
      } else if (isSeq(at) && typeof step === "number") {
        const item = this.#itemsOf(at)[step];
        if (!item) return { node: found, rest };
        at = item;
        found = item;
      } else {
        return { node: found, rest };
      }
    }
    return { node: found, rest: 0 };
  }

  /** Of a key that is there twice, the first. */
  #entry(map: YAMLMap, key: string): YamlEntry | undefined {
    let index = this.#index.get(map);
    if (!index) {
      index = new Map(
        this.#entriesOf(map)
          .toReversed()
          .map((entry) => [entry.key, entry]),
      );
      this.#index.set(map, index);
    }
    return index.get(key);
  }

  #mergedEntries(node: Node): YamlEntry[] {
    const target = this.#resolve(node);
    if (this.#mergeDepth > maxMergeDepth) return [];
    this.#mergeDepth++;
    const entries = (isSeq(target) ? this.#itemsOf(target) : [target]).flatMap((map) => {
      if (isMap(map)) return this.#entriesOf(map);
      this.#broken.set(node.range?.[0] ?? 0, "a merge key (<<) takes a mapping, or a list of mappings");
      return [];
    });
    this.#mergeDepth--;
    return entries;
  }

  /** What an alias stands for. */
  #resolve(node: Node | undefined): YamlNode | undefined {
    return (isAlias(node) ? this.#targets.get(node) : node) as YamlNode | undefined;
  }

  #problem(offset: number, message: string, severity: Problem["severity"]): LocatedProblem {
    const { line, col } = this.#lines.linePos(offset);
    return {
      path: [],
      message,
      severity,
      file: this.#file,
      line: Math.max(line, 1),
      column: Math.max(col, 1),
    };
  }
}

/** What each alias stands for: the last node before it that has its anchor. */
function aliasTargets(document: Document.Parsed): Map<Alias, Node> {
  const targets = new Map<Alias, Node>();
  const anchors = new Map<string, Node>();
  visit(document, {
    Alias(_, alias) {
      const target = anchors.get(alias.source);
      if (target) targets.set(alias, target);
    },
    Value(_, node) {
      if (node.anchor) anchors.set(node.anchor, node);
    },
  });
  return targets;
}

const keyText = (key: Node | null): string | undefined => {
  if (isScalar(key)) return String(key.value ?? "");
  return key === null ? "" : undefined;
};
