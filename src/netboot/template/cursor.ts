import { fail } from "./failure.js";
import type { Token } from "./lexer.js";

/** A place in a template's tokens. */
export class Cursor {
  readonly #tokens: Token[];
  #at = 0;

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  /** To come back to by `backTo`. */
  get mark(): number {
    return this.#at;
  }

  backTo(mark: number): void {
    this.#at = mark;
  }

  /** Before the token that was read last. */
  back(): void {
    this.#at--;
  }

  peek(): Token {
    return this.#tokens[this.#at]!;
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== "end") this.#at++;
    return token;
  }

  /** The next token that is not white space; stands before it afterwards. */
  peekWord(): Token {
    while (this.peek().kind === "space") this.#at++;
    return this.peek();
  }

  nextWord(): Token {
    this.peekWord();
    return this.next();
  }

  expectClose(context: string): void {
    const token = this.nextWord();
    if (token.kind !== "close") this.unexpected(token, context);
  }

  unexpected({ kind, text, offset }: Token, context: string): never {
    const what = kind === "end" ? "end of the template" : kind === "close" ? "}}" : JSON.stringify(text);
    return fail(offset, `unexpected ${what} in ${context}`);
  }
}

export const isKeyword = ({ kind, text }: Token, word: string): boolean =>
  kind === "keyword" && text === word;
