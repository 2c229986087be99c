import type { Cursor } from "./cursor.js";
import { fail } from "./failure.js";
import { functionNames } from "./functions.js";
import type { Token, TokenKind } from "./lexer.js";
import { readCharacterConstant, readNumber, unquote } from "./literals.js";
import type { Command, Operand, Pipe } from "./tree.js";

/** Deeper nesting of actions or parentheses than this is refused; it is never meant. */
export const maxNesting = 200;

const operandKinds = new Set<TokenKind>(
  "boolean character dot field identifier number nil raw-string string variable left-paren".split(
    " ",
  ) as TokenKind[],
);

/** Reads what stands inside an action: `$x := .a.b | printf "%s"`. */
export class PipelineParser {
  /** Known at this place of the text; `$` is the data. */
  variables = ["$"];
  readonly #cursor: Cursor;
  #nesting = 0;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  /** `$i, $x := command | command`, up to and with what ends it. */
  pipeline(context: string, until: "close" | "right-paren"): Pipe {
    const { offset } = this.#cursor.peekWord();
    const pipe: Pipe = { kind: "pipe", variables: [], assigns: false, commands: [], offset };
    this.#declarations(pipe, context);
    for (;;) {
      const token = this.#cursor.nextWord();
      if (token.kind === until) break;
      if (!operandKinds.has(token.kind)) this.#cursor.unexpected(token, context);
      this.#cursor.back();
      pipe.commands.push(this.#command());
    }
    if (pipe.commands.length === 0) fail(offset, `missing value for ${context}`);
    for (const [i, { words, offset }] of pipe.commands.entries()) {
      if (i > 0 && ["constant", "nil", "dot"].includes(words[0]!.kind))
        fail(offset, `stage ${i + 1} of the pipeline is no function`);
    }
    return pipe;
  }

  #declarations(pipe: Pipe, context: string): void {
    while (this.#cursor.peekWord().kind === "variable") {
      const start = this.#cursor.mark;
      const { text: name, offset } = this.#cursor.next();
      const sign = this.#cursor.peekWord();
      if (sign.kind === "assign" || sign.kind === "declare") {
        this.#cursor.next();
        pipe.assigns = sign.kind === "assign";
        this.#declare(pipe, name);
        return;
      }
      if (sign.kind !== "other" || sign.text !== ",") {
        this.#cursor.backTo(start); // a value, not a declaration
        return;
      }
      this.#cursor.next();
      this.#declare(pipe, name);
      if (context !== "range" || pipe.variables.length > 1)
        fail(offset, `too many declarations in ${context}`);
      const { kind } = this.#cursor.peekWord();
      if (kind !== "variable" && kind !== "close" && kind !== "right-paren")
        fail(offset, "range can only initialize variables");
    }
  }

  #declare(pipe: Pipe, name: string): void {
    pipe.variables.push(name);
    this.variables.push(name);
  }

  #command(): Command {
    const words: Operand[] = [];
    const { offset } = this.#cursor.peekWord();
    for (;;) {
      this.#cursor.peekWord();
      const operand = this.#operand();
      if (operand) words.push(operand);
      const token = this.#cursor.next();
      if (token.kind === "space") continue;
      if (token.kind === "close" || token.kind === "right-paren") this.#cursor.back();
      else if (token.kind !== "pipe") this.#cursor.unexpected(token, "operand");
      break;
    }
    if (words.length === 0) fail(offset, "empty command");
    return { words, offset };
  }

  /** A term and the fields that follow it at once. */
  #operand(): Operand | undefined {
    const term = this.#term();
    if (!term || this.#cursor.peek().kind !== "field") return term;
    const { offset } = this.#cursor.peek();
    const path: string[] = [];
    while (this.#cursor.peek().kind === "field") path.push(this.#cursor.next().text.slice(1));
    switch (term.kind) {
      case "field":
      case "variable":
        return { ...term, path: [...term.path, ...path] };
      case "constant":
      case "nil":
      case "dot":
        return fail(offset, `unexpected .${path[0]} after a value`);
      default:
        return { kind: "chain", of: term, path, offset };
    }
  }

  #term(): Operand | undefined {
    const token = this.#cursor.nextWord();
    const { offset, text } = token;
    switch (token.kind) {
      case "identifier":
        if (!functionNames.has(text)) fail(offset, `function "${text}" is not defined`);
        return { kind: "function", name: text, offset };
      case "dot":
      case "nil":
        return { kind: token.kind, offset };
      case "field":
        return { kind: "field", path: [text.slice(1)], offset };
      case "variable":
        if (!this.variables.includes(text)) fail(offset, `undefined variable "${text}"`);
        return { kind: "variable", name: text, path: [], offset };
      case "boolean":
        return { kind: "constant", value: text === "true", offset };
      case "number":
      case "character":
        return { kind: "constant", value: this.#number(token), offset };
      case "string":
      case "raw-string":
        return { kind: "constant", value: this.string(token, "operand"), offset };
      case "left-paren": {
        if (++this.#nesting > maxNesting) fail(offset, `parentheses are nested deeper than ${maxNesting}`);
        const pipe = this.pipeline("parenthesized pipeline", "right-paren");
        this.#nesting--;
        return pipe;
      }
    }
    this.#cursor.back();
    return undefined;
  }

  #number({ kind, text, offset }: Token) {
    if (kind === "character") {
      const code = readCharacterConstant(text);
      return code ?? fail(offset, `malformed character constant: ${text}`);
    }
    const number = readNumber(text);
    return "value" in number ? number.value : fail(offset, number.wrong);
  }

  string(token: Token, context: string): string {
    if (token.kind !== "string" && token.kind !== "raw-string") this.#cursor.unexpected(token, context);
    return unquote(token.text) ?? fail(token.offset, `invalid string: ${token.text}`);
  }
}
