import { Cursor, isKeyword } from "./cursor.js";
import { fail } from "./failure.js";
import { tokenize } from "./lexer.js";
import { maxNesting, PipelineParser } from "./pipeline-parser.js";
import type { TemplateNode } from "./tree.js";

/** More {{else if}} in a row than this are refused. */
const maxChain = 1000;

/** The name of what stands outside every `define`. */
export const mainName = "";

/** Reads a template: its trees by name. @throws {TemplateFailure} */
export function parseTrees(text: string): Map<string, TemplateNode[]> {
  const trees = new Map<string, TemplateNode[]>();
  new Parser(new Cursor(tokenize(text)), trees).main();
  return trees;
}

/** How a list of nodes ended. */
interface ListEnd {
  keyword: "end" | "else";
  offset: number;
}

class Parser {
  readonly #cursor: Cursor;
  readonly #pipelines: PipelineParser;
  readonly #trees: Map<string, TemplateNode[]>;
  /** How many ranges we are inside of. */
  #ranges = 0;
  #nesting = 0;
  /** {{else if}} of {{else if}} … */
  #chained = 0;

  constructor(cursor: Cursor, trees: Map<string, TemplateNode[]>) {
    this.#cursor = cursor;
    this.#pipelines = new PipelineParser(cursor);
    this.#trees = trees;
  }

  main(): void {
    const nodes: TemplateNode[] = [];
    while (this.#cursor.peek().kind !== "end") {
      const start = this.#cursor.mark;
      if (this.#cursor.next().kind === "open" && isKeyword(this.#cursor.peekWord(), "define")) {
        this.#cursor.nextWord();
        this.#define();
        continue;
      }
      this.#cursor.backTo(start);
      const node = this.#node();
      if ("keyword" in node) fail(node.offset, `unexpected {{${node.keyword}}}`);
      nodes.push(node);
    }
    this.#add(mainName, nodes, 0);
  }

  #define(): void {
    const token = this.#cursor.nextWord();
    const name = this.#pipelines.string(token, "define clause");
    this.#cursor.expectClose("define clause");
    this.#add(name, this.#ownTree("define clause"), token.offset);
  }

  /** The body of a `define` or `block`: sees no variable and no loop from outside. */
  #ownTree(context: string): TemplateNode[] {
    const [variables, ranges] = [this.#pipelines.variables, this.#ranges];
    this.#pipelines.variables = ["$"];
    this.#ranges = 0;
    const { nodes, end } = this.#list();
    if (end.keyword !== "end") fail(end.offset, `unexpected {{else}} in ${context}`);
    this.#pipelines.variables = variables;
    this.#ranges = ranges;
    return nodes;
  }

  /** Of two definitions of a name one must be empty. */
  #add(name: string, nodes: TemplateNode[], offset: number): void {
    const known = this.#trees.get(name);
    if (!known || isEmpty(known)) this.#trees.set(name, nodes);
    else if (!isEmpty(nodes)) fail(offset, `template "${name}" is defined twice`);
  }

  #list(): { nodes: TemplateNode[]; end: ListEnd } {
    const nodes: TemplateNode[] = [];
    if (++this.#nesting > maxNesting)
      fail(this.#cursor.peek().offset, `actions are nested deeper than ${maxNesting}`);
    while (this.#cursor.peekWord().kind !== "end") {
      const node = this.#node();
      if ("keyword" in node) {
        this.#nesting--;
        return { nodes, end: node };
      }
      nodes.push(node);
    }
    return fail(this.#cursor.peek().offset, "unexpected end of the template: {{end}} is missing");
  }

  #node(): TemplateNode | ListEnd {
    const token = this.#cursor.nextWord();
    if (token.kind === "text") {
      return { kind: "text", text: token.text, bytes: Buffer.byteLength(token.text), offset: token.offset };
    }
    if (token.kind !== "open") this.#cursor.unexpected(token, "the template");
    return this.#action();
  }

  #action(): TemplateNode | ListEnd {
    const token = this.#cursor.nextWord();
    const { offset } = token;
    switch (token.kind === "keyword" ? token.text : "") {
      case "if":
      case "with":
      case "range":
        return this.#control(token.text as "if" | "with" | "range", offset);
      case "block":
        return this.#block(offset);
      case "template":
        return this.#template(offset);
      case "break":
      case "continue":
        this.#cursor.expectClose(`{{${token.text}}}`);
        if (this.#ranges === 0) fail(offset, `{{${token.text}}} outside {{range}}`);
        return { kind: token.text as "break" | "continue", offset };
      case "end":
        this.#cursor.expectClose("end");
        return { keyword: "end", offset };
      case "else": {
        const next = this.#cursor.peekWord();
        // {{else if}} leaves its `if` to be read as if it had {{ of its own.
        if (!isKeyword(next, "if") && !isKeyword(next, "with")) this.#cursor.expectClose("else");
        return { keyword: "else", offset };
      }
    }
    this.#cursor.back();
    return { kind: "action", pipe: this.#pipelines.pipeline("command", "close"), offset };
  }

  #control(kind: "if" | "with" | "range", offset: number): TemplateNode {
    const known = this.#pipelines.variables.length;
    const pipe = this.#pipelines.pipeline(kind, "close");
    if (kind === "range") this.#ranges++;
    const body = this.#list();
    if (kind === "range") this.#ranges--;
    let otherwise: TemplateNode[] = [];
    if (body.end.keyword === "else") {
      if (kind !== "range" && isKeyword(this.#cursor.peek(), kind)) {
        const { offset } = this.#cursor.next();
        if (++this.#chained > maxChain) fail(offset, `more than ${maxChain} {{else ${kind}}} in a row`);
        otherwise = [this.#control(kind, offset)];
        this.#chained--;
      } else {
        const { nodes, end } = this.#list();
        if (end.keyword !== "end") fail(end.offset, "expected {{end}}, found another {{else}}");
        otherwise = nodes;
      }
    }
    this.#pipelines.variables.length = known;
    return { kind, pipe, body: body.nodes, otherwise, offset };
  }

  #block(offset: number): TemplateNode {
    const name = this.#pipelines.string(this.#cursor.nextWord(), "block clause");
    const pipe = this.#pipelines.pipeline("block clause", "close");
    this.#add(name, this.#ownTree("block clause"), offset);
    return { kind: "template", name, pipe, offset };
  }

  #template(offset: number): TemplateNode {
    const name = this.#pipelines.string(this.#cursor.nextWord(), "template clause");
    if (this.#cursor.peekWord().kind === "close") {
      this.#cursor.next();
      return { kind: "template", name, pipe: undefined, offset };
    }
    return { kind: "template", name, pipe: this.#pipelines.pipeline("template clause", "close"), offset };
  }
}

const isEmpty = (nodes: TemplateNode[]): boolean =>
  nodes.every((node) => node.kind === "text" && node.text.trim() === "");
