import { TemplateFailure } from "./failure.js";
import { functionNames } from "./functions.js";
import { type Token, type TokenKind, tokenize } from "./lexer.js";
import { readCharacterConstant, readNumber, unquote } from "./literals.js";
import type { Command, Operand, Pipe, TemplateNode } from "./tree.js";

/** Deeper nesting of actions or parentheses than this is refused; it is never meant. */
const maxNesting = 200;
const maxChain = 1000;

/** The name of what stands outside every `define`. */
export const mainName = "";

/** Reads a template: its trees by name. @throws {TemplateFailure} */
export function parseTrees(text: string): Map<string, TemplateNode[]> {
  const trees = new Map<string, TemplateNode[]>();
  new Parser(tokenize(text), trees).main();
  return trees;
}

/** How a list of nodes ended. */
interface ListEnd {
  keyword: "end" | "else";
  offset: number;
}

const operandKinds = new Set<TokenKind>(
  "boolean character dot field identifier number nil raw-string string variable left-paren".split(
    " ",
  ) as TokenKind[],
);

class Parser {
  readonly #tokens: Token[];
  readonly #trees: Map<string, TemplateNode[]>;
  #at = 0;
  /** Known at this place of the text; `$` is the data. */
  #variables = ["$"];
  #ranges = 0;
  #nesting = 0;
  /** {{else if}} of {{else if}} … */
  #chained = 0;

  constructor(tokens: Token[], trees: Map<string, TemplateNode[]>) {
    this.#tokens = tokens;
    this.#trees = trees;
  }

  main(): void {
    const nodes: TemplateNode[] = [];
    while (this.#peek().kind !== "end") {
      const start = this.#at;
      if (this.#next().kind === "open" && this.#isKeyword(this.#peekWord(), "define")) {
        this.#nextWord();
        this.#define();
        continue;
      }
      this.#at = start;
      const node = this.#node();
      if ("keyword" in node) this.#fail(node.offset, `unexpected {{${node.keyword}}}`);
      nodes.push(node);
    }
    this.#add(mainName, nodes, 0);
  }

  #define(): void {
    const token = this.#nextWord();
    const name = this.#string(token, "define clause");
    this.#expectClose("define clause");
    this.#add(name, this.#ownTree("define clause"), token.offset);
  }

  /** The body of a `define` or `block`: sees no variable and no loop from outside. */
  #ownTree(context: string): TemplateNode[] {
    const [variables, ranges] = [this.#variables, this.#ranges];
    this.#variables = ["$"];
    this.#ranges = 0;
    const { nodes, end } = this.#list();
    if (end.keyword !== "end") this.#fail(end.offset, `unexpected {{else}} in ${context}`);
    this.#variables = variables;
    this.#ranges = ranges;
    return nodes;
  }

  /** Of two definitions of a name one must be empty. */
  #add(name: string, nodes: TemplateNode[], offset: number): void {
    const known = this.#trees.get(name);
    if (!known || isEmpty(known)) this.#trees.set(name, nodes);
    else if (!isEmpty(nodes)) this.#fail(offset, `template "${name}" is defined twice`);
  }

  #list(): { nodes: TemplateNode[]; end: ListEnd } {
    const nodes: TemplateNode[] = [];
    if (++this.#nesting > maxNesting)
      this.#fail(this.#peek().offset, `actions are nested deeper than ${maxNesting}`);
    while (this.#peekWord().kind !== "end") {
      const node = this.#node();
      if ("keyword" in node) {
        this.#nesting--;
        return { nodes, end: node };
      }
      nodes.push(node);
    }
    return this.#fail(this.#peek().offset, "unexpected end of the template: {{end}} is missing");
  }

  #node(): TemplateNode | ListEnd {
    const token = this.#nextWord();
    if (token.kind === "text") {
      return { kind: "text", text: token.text, bytes: Buffer.byteLength(token.text), offset: token.offset };
    }
    if (token.kind !== "open") this.#unexpected(token, "the template");
    return this.#action();
  }

  #action(): TemplateNode | ListEnd {
    const token = this.#nextWord();
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
        this.#expectClose(`{{${token.text}}}`);
        if (this.#ranges === 0) this.#fail(offset, `{{${token.text}}} outside {{range}}`);
        return { kind: token.text as "break" | "continue", offset };
      case "end":
        this.#expectClose("end");
        return { keyword: "end", offset };
      case "else": {
        const next = this.#peekWord();
        // {{else if}} leaves its `if` to be read as if it had {{ of its own.
        if (!this.#isKeyword(next, "if") && !this.#isKeyword(next, "with")) this.#expectClose("else");
        return { keyword: "else", offset };
      }
    }
    this.#at--;
    return { kind: "action", pipe: this.#pipeline("command", "close"), offset };
  }

  #control(kind: "if" | "with" | "range", offset: number): TemplateNode {
    const known = this.#variables.length;
    const pipe = this.#pipeline(kind, "close");
    if (kind === "range") this.#ranges++;
    const body = this.#list();
    if (kind === "range") this.#ranges--;
    let otherwise: TemplateNode[] = [];
    if (body.end.keyword === "else") {
      if (kind !== "range" && this.#isKeyword(this.#peek(), kind)) {
        const { offset } = this.#next();
        if (++this.#chained > maxChain) this.#fail(offset, `more than ${maxChain} {{else ${kind}}} in a row`);
        otherwise = [this.#control(kind, offset)];
        this.#chained--;
      } else {
        const { nodes, end } = this.#list();
        if (end.keyword !== "end") this.#fail(end.offset, "expected {{end}}, found another {{else}}");
        otherwise = nodes;
      }
    }
    this.#variables.length = known;
    return { kind, pipe, body: body.nodes, otherwise, offset };
  }

  #block(offset: number): TemplateNode {
    const name = this.#string(this.#nextWord(), "block clause");
    const pipe = this.#pipeline("block clause", "close");
    this.#add(name, this.#ownTree("block clause"), offset);
    return { kind: "template", name, pipe, offset };
  }

  #template(offset: number): TemplateNode {
    const name = this.#string(this.#nextWord(), "template clause");
    if (this.#peekWord().kind === "close") {
      this.#next();
      return { kind: "template", name, pipe: undefined, offset };
    }
    return { kind: "template", name, pipe: this.#pipeline("template clause", "close"), offset };
  }

  /** `$i, $x := command | command`, up to and with what ends it. */
  #pipeline(context: string, until: "close" | "right-paren"): Pipe {
    const { offset } = this.#peekWord();
    const pipe: Pipe = { kind: "pipe", variables: [], assigns: false, commands: [], offset };
    this.#declarations(pipe, context);
    for (;;) {
      const token = this.#nextWord();
      if (token.kind === until) break;
      if (!operandKinds.has(token.kind)) this.#unexpected(token, context);
      this.#at--;
      pipe.commands.push(this.#command());
    }
    if (pipe.commands.length === 0) this.#fail(offset, `missing value for ${context}`);
    for (const [i, { words, offset }] of pipe.commands.entries()) {
      if (i > 0 && ["constant", "nil", "dot"].includes(words[0]!.kind))
        this.#fail(offset, `stage ${i + 1} of the pipeline is no function`);
    }
    return pipe;
  }

  #declarations(pipe: Pipe, context: string): void {
    while (this.#peekWord().kind === "variable") {
      const start = this.#at;
      const { text: name, offset } = this.#next();
      const sign = this.#peekWord();
      if (sign.kind === "assign" || sign.kind === "declare") {
        this.#next();
        pipe.assigns = sign.kind === "assign";
        this.#declare(pipe, name);
        return;
      }
      if (sign.kind !== "other" || sign.text !== ",") {
        this.#at = start; // a value, not a declaration
        return;
      }
      this.#next();
      this.#declare(pipe, name);
      if (context !== "range" || pipe.variables.length > 1)
        this.#fail(offset, `too many declarations in ${context}`);
      const { kind } = this.#peekWord();
      if (kind !== "variable" && kind !== "close" && kind !== "right-paren")
        this.#fail(offset, "range can only initialize variables");
    }
  }

  #declare(pipe: Pipe, name: string): void {
    pipe.variables.push(name);
    this.#variables.push(name);
  }

  #command(): Command {
    const words: Operand[] = [];
    const { offset } = this.#peekWord();
    for (;;) {
      this.#peekWord();
      const operand = this.#operand();
      if (operand) words.push(operand);
      const token = this.#next();
      if (token.kind === "space") continue;
      if (token.kind === "close" || token.kind === "right-paren") this.#at--;
      else if (token.kind !== "pipe") this.#unexpected(token, "operand");
      break;
    }
    if (words.length === 0) this.#fail(offset, "empty command");
    return { words, offset };
  }

  /** A term and the fields that follow it at once. */
  #operand(): Operand | undefined {
    const term = this.#term();
    if (!term || this.#peek().kind !== "field") return term;
    const { offset } = this.#peek();
    const path: string[] = [];
    while (this.#peek().kind === "field") path.push(this.#next().text.slice(1));
    switch (term.kind) {
      case "field":
      case "variable":
        return { ...term, path: [...term.path, ...path] };
      case "constant":
      case "nil":
      case "dot":
        return this.#fail(offset, `unexpected .${path[0]} after a value`);
      default:
        return { kind: "chain", of: term, path, offset };
    }
  }

  #term(): Operand | undefined {
    const token = this.#nextWord();
    const { offset, text } = token;
    switch (token.kind) {
      case "identifier":
        if (!functionNames.has(text)) this.#fail(offset, `function "${text}" is not defined`);
        return { kind: "function", name: text, offset };
      case "dot":
      case "nil":
        return { kind: token.kind, offset };
      case "field":
        return { kind: "field", path: [text.slice(1)], offset };
      case "variable":
        if (!this.#variables.includes(text)) this.#fail(offset, `undefined variable "${text}"`);
        return { kind: "variable", name: text, path: [], offset };
      case "boolean":
        return { kind: "constant", value: text === "true", offset };
      case "number":
      case "character":
        return { kind: "constant", value: this.#number(token), offset };
      case "string":
      case "raw-string":
        return { kind: "constant", value: this.#string(token, "operand"), offset };
      case "left-paren": {
        if (++this.#nesting > maxNesting)
          this.#fail(offset, `parentheses are nested deeper than ${maxNesting}`);
        const pipe = this.#pipeline("parenthesized pipeline", "right-paren");
        this.#nesting--;
        return pipe;
      }
    }
    this.#at--;
    return undefined;
  }

  #number({ kind, text, offset }: Token) {
    if (kind === "character") {
      const code = readCharacterConstant(text);
      return code ?? this.#fail(offset, `malformed character constant: ${text}`);
    }
    const number = readNumber(text);
    return "value" in number ? number.value : this.#fail(offset, number.wrong);
  }

  #string(token: Token, context: string): string {
    if (token.kind !== "string" && token.kind !== "raw-string") this.#unexpected(token, context);
    return unquote(token.text) ?? this.#fail(token.offset, `invalid string: ${token.text}`);
  }

  #expectClose(context: string): void {
    const token = this.#nextWord();
    if (token.kind !== "close") this.#unexpected(token, context);
  }

  #isKeyword(token: Token, text: string): boolean {
    return token.kind === "keyword" && token.text === text;
  }

  #peek(): Token {
    return this.#tokens[this.#at]!;
  }

  #next(): Token {
    const token = this.#peek();
    if (token.kind !== "end") this.#at++;
    return token;
  }

  /** The next token that is not white space; stands before it afterwards. */
  #peekWord(): Token {
    while (this.#peek().kind === "space") this.#at++;
    return this.#peek();
  }

  #nextWord(): Token {
    this.#peekWord();
    return this.#next();
  }

  #unexpected({ kind, text, offset }: Token, context: string): never {
    const what = kind === "end" ? "end of the template" : kind === "close" ? "}}" : JSON.stringify(text);
    return this.#fail(offset, `unexpected ${what} in ${context}`);
  }

  #fail(offset: number, message: string): never {
    throw new TemplateFailure(offset, message);
  }
}

const isEmpty = (nodes: TemplateNode[]): boolean =>
  nodes.every((node) => node.kind === "text" && node.text.trim() === "");
