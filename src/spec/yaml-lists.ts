import { Composer, CST, type Document, isSeq, type Parser } from "yaml";

/** How this room composes documents. */
export const composerOptions = { prettyErrors: false, stringKeys: true, logLevel: "silent" } as const;

/** The first items of a long list, which the parser no longer has. */
export interface TakenItems {
  /** Plain data. */
  values: unknown[];
  /** Offset of each one's first character in the text. */
  from: number[];
  /** And of what follows it. */
  to: number[];
}

/** So many are taken together, at least. */
const atATime = 200;
/** The parser goes on with the last ones. */
const inWork = 2;

/**
 * Takes the items of a document's long lists (`machines:` with a hundred thousand of them) from the parser while it reads, so
 * that the syntax trees of all of them are never in memory together. Not to be used once there was an anchor, alias or
 * directive, by which items depend on what stands elsewhere.
 */
export class LongLists {
  /** By the key that each list is the value of, in the document's own map. */
  readonly taken = new Map<string, TakenItems>();
  readonly #toData: (piece: Document.Parsed) => unknown;

  /** @param toData makes plain data of a document that is a list of some of the items */
  constructor(toData: (piece: Document.Parsed) => unknown) {
    this.#toData = toData;
  }

  /** Takes what the parser has finished of the list that it is in, if it is enough to be worth it. */
  takeFrom({ stack: [document, map, list] }: Parser): void {
    if (document?.type !== "document" || map === undefined || list === undefined) return;
    if ((map.type !== "block-map" && !isFlow(map, "{")) || (list.type !== "block-seq" && !isFlow(list, "[")))
      return;
    if (list.items.length < atATime + inWork) return;
    const key = map.items.at(-1)?.key ?? null;
    const name = CST.isScalar(key) ? CST.resolveAsScalar(key)?.value : undefined;
    if (name === undefined) return;
    const count = list.items.length - inWork;
    const items = list.type === "block-seq" ? list.items.slice(0, count) : asBlockItems(list, count);
    if (items === undefined) return;
    list.items.splice(0, count);
    this.#take(name, {
      type: "block-seq",
      offset: items[0]?.start[0]?.offset ?? list.offset,
      indent: list.indent,
      items,
    });
  }

  #take(name: string, value: CST.BlockSequence): void {
    const token: CST.Document = { type: "document", offset: value.offset, start: [], value };
    for (const document of new Composer(composerOptions).compose([token])) {
      const piece = document as Document.Parsed;
      const values = this.#toData(piece);
      const taken = this.taken.get(name) ?? { values: [], from: [], to: [] };
      this.taken.set(name, taken);
      if (!Array.isArray(values) || !isSeq(piece.contents)) continue;
      taken.values.push(...values);
      for (const { range } of piece.contents.items) {
        taken.from.push(range[0]);
        taken.to.push(range[1]);
      }
    }
  }
}

const isFlow = (token: CST.Token, opening: "{" | "["): token is CST.FlowCollection =>
  token.type === "flow-collection" && token.start.source === opening;

/**
 * The first items of a list in brackets, as those of one that is written with hyphens; the one after them becomes the first.
 * Undefined, and nothing is changed, unless they are maps or lists with one comma between each two.
 */
function asBlockItems(list: CST.FlowCollection, count: number): CST.BlockSequence["items"] | undefined {
  const regular = list.items.slice(0, count + 1).every(({ start, key, sep, value }, i) => {
    const commas = start.filter(({ type }) => type === "comma").length;
    const blank = start.every(({ type }) => ["comma", "space", "newline", "comment"].includes(type));
    return commas === Math.min(i, 1) && blank && !key && !sep && value?.type === "flow-collection";
  });
  const next = list.items[count];
  if (!regular || next === undefined) return undefined;
  next.start = next.start.filter(({ type }) => type !== "comma");
  return list.items.slice(0, count).map(({ value }) => ({
    start: [{ type: "seq-item-ind", offset: value!.offset, indent: list.indent, source: "-" }],
    value: value!,
  }));
}
