import { TemplateFailure } from "./failure.js";

export type TokenKind =
  | "text"
  | "open" // {{
  | "close" // }}
  | "space"
  | "keyword"
  | "identifier"
  | "boolean"
  | "nil"
  | "dot"
  | "field" // .name
  | "variable" // $name
  | "number"
  | "character" // 'x'
  | "string"
  | "raw-string"
  | "assign" // =
  | "declare" // :=
  | "pipe"
  | "left-paren"
  | "right-paren"
  | "other" // , and what else can be typed
  | "end";

export interface Token {
  kind: TokenKind;
  text: string;
  /** From the start of the template. */
  offset: number;
}

const keywords = new Set("block break continue define else end if range template with".split(" "));

const patterns = {
  space: /[ \t\r\n]+/y,
  trimmedClose: /[ \t\r\n]-\}\}/y,
  word: /[_\p{L}\p{Nd}]+/uy,
  string: /"(?:[^"\\\n]|\\[^\n])*"/y,
  rawString: /`[^`]*`/y,
  character: /'(?:[^'\\\n]|\\[^\n])*'/y,
  number:
    /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y,
  terminator: /[ \t\r\n.,|:)(]|\}\}|$/y,
};

const simple: Record<string, TokenKind> = {
  "=": "assign",
  "|": "pipe",
  "(": "left-paren",
  ")": "right-paren",
};

/** Splits a template into tokens, the last of kind `end`. @throws {TemplateFailure} */
export function tokenize(text: string): Token[] {
  return new Lexer(text).run();
}

class Lexer {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): Token[] {
    for (;;) {
      const open = this.#text.indexOf("{{", this.#at);
      if (open === -1) break;
      const trims = this.#trimsBefore(open + 2);
      const literal = this.#text.slice(this.#at, open);
      const kept = trims ? literal.replace(/[ \t\r\n]+$/, "") : literal;
      if (kept !== "") this.#push("text", kept, this.#at);
      const inside = open + 2 + (trims ? 2 : 0);
      if (this.#text.startsWith("/*", inside)) this.#skipComment(inside);
      else {
        this.#push("open", "{{", open);
        this.#at = inside;
        this.#action(open);
      }
    }
    if (this.#at < this.#text.length) this.#push("text", this.#text.slice(this.#at), this.#at);
    this.#push("end", "", this.#text.length);
    return this.#tokens;
  }

  /** `{{- ` takes the white space before it away. */
  #trimsBefore(at: number): boolean {
    return this.#text[at] === "-" && this.#isSpace(at + 1);
  }

  #isSpace(at: number): boolean {
    const character = this.#text[at];
    return character === " " || character === "\t" || character === "\r" || character === "\n";
  }

  #skipComment(start: number): void {
    const end = this.#text.indexOf("*/", start + 2);
    if (end === -1) throw new TemplateFailure(start, "the comment is not closed");
    this.#at = end + 2;
    if (!this.#close()) throw new TemplateFailure(this.#at, "}} must follow the end of a comment");
  }

  /** At `}}` or ` -}}`: passes it, and the white space that it takes away. */
  #close(): { offset: number } | undefined {
    const trims = this.#matches(patterns.trimmedClose, this.#at);
    if (!trims && !this.#text.startsWith("}}", this.#at)) return undefined;
    const offset = this.#at + (trims ? 2 : 0);
    this.#at = offset + 2;
    if (trims) while (this.#isSpace(this.#at)) this.#at++;
    return { offset };
  }

  #action(open: number): void {
    let parens = 0;
    for (;;) {
      const start = this.#at;
      const close = this.#close();
      if (close) {
        if (parens > 0) throw new TemplateFailure(start, "a left parenthesis is not closed");
        this.#push("close", "}}", close.offset);
        return;
      }
      if (start >= this.#text.length)
        throw new TemplateFailure(open, "the action is not closed: }} is missing");
      const token = this.#next(start);
      if (token.kind === "left-paren") parens++;
      if (token.kind === "right-paren" && --parens < 0)
        throw new TemplateFailure(start, "unexpected right parenthesis");
      this.#tokens.push(token);
      this.#at = start + token.text.length;
    }
  }

  #next(at: number): Token {
    const first = this.#text[at]!;
    if (this.#isSpace(at)) {
      const spaces = this.#match(patterns.space, at)!;
      // The last of them may belong to ` -}}`.
      const trims = this.#matches(patterns.trimmedClose, at + spaces.length - 1);
      return this.#token("space", trims ? spaces.slice(0, -1) : spaces, at);
    }
    if (simple[first]) return this.#token(simple[first], first, at);
    if (first === ":") {
      if (this.#text[at + 1] !== "=") throw new TemplateFailure(at, "expected :=");
      return this.#token("declare", ":=", at);
    }
    if (first === '"') return this.#quoted("string", patterns.string, at);
    if (first === "`") return this.#quoted("raw-string", patterns.rawString, at);
    if (first === "'") return this.#quoted("character", patterns.character, at);
    if (first === "$" || (first === "." && !/[0-9]/.test(this.#text[at + 1] ?? "0")))
      return this.#named(first, at);
    if (/[-+.0-9]/.test(first)) return this.#number(at);
    const word = this.#match(patterns.word, at);
    if (word !== undefined) return this.#word(word, at);
    if (/[\x21-\x7e]/.test(first)) return this.#token("other", first, at);
    const character = String.fromCodePoint(this.#text.codePointAt(at)!);
    throw new TemplateFailure(at, `unrecognized character in action: ${JSON.stringify(character)}`);
  }

  #quoted(kind: TokenKind, pattern: RegExp, at: number): Token {
    const literal = this.#match(pattern, at);
    if (literal === undefined) throw new TemplateFailure(at, `the ${kind.replace("-", " ")} is not closed`);
    return this.#token(kind, literal, at);
  }

  /** `.name`, `.`, `$name` or `$` */
  #named(sign: string, at: number): Token {
    const name = this.#match(patterns.word, at + 1) ?? "";
    this.#expectTerminator(at + 1 + name.length);
    if (sign === "$") return this.#token("variable", `$${name}`, at);
    return this.#token(name === "" ? "dot" : "field", `.${name}`, at);
  }

  #word(word: string, at: number): Token {
    this.#expectTerminator(at + word.length);
    if (keywords.has(word)) return this.#token("keyword", word, at);
    if (word === "true" || word === "false") return this.#token("boolean", word, at);
    return this.#token(word === "nil" ? "nil" : "identifier", word, at);
  }

  #number(at: number): Token {
    const digits = this.#match(patterns.number, at)!;
    const end = at + digits.length;
    const next = this.#text[end] ?? "";
    if (digits === "" || next === "+" || next === "-" || this.#matches(patterns.word, end))
      throw new TemplateFailure(at, `bad number syntax: "${digits}${next}"`);
    return this.#token("number", digits, at);
  }

  #expectTerminator(at: number): void {
    if (this.#matches(patterns.terminator, at)) return;
    const character = String.fromCodePoint(this.#text.codePointAt(at)!);
    throw new TemplateFailure(at, `bad character ${JSON.stringify(character)}: put a space before it`);
  }

  #match(pattern: RegExp, at: number): string | undefined {
    pattern.lastIndex = at;
    return pattern.exec(this.#text)?.[0];
  }

  #matches(pattern: RegExp, at: number): boolean {
    pattern.lastIndex = at;
    return pattern.test(this.#text);
  }

  #token(kind: TokenKind, text: string, offset: number): Token {
    return { kind, text, offset };
  }

  #push(kind: TokenKind, text: string, offset: number): void {
    this.#tokens.push({ kind, text, offset });
  }
}
