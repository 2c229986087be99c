const tokens = {
  space: /[ \t\n\r]*/y,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 §7 excludes them by their numbers
  string: /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y,
  scalar: /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y,
};

/** What is deeper is not looked at: every level calls itself. */
const maxDepth = 1000;

/**
 * Where a text stops being JSON (RFC 8259): the offset of the first character that cannot stand there. `JSON.parse` says that
 * only for some texts.
 */
export function jsonErrorOffset(text: string): number {
  let at = 0;
  let depth = 0;
  const skip = (token: RegExp): boolean => {
    token.lastIndex = at;
    if (!token.test(text)) return false;
    at = token.lastIndex;
    return true;
  };
  const skipCharacter = (character: string): boolean => {
    skip(tokens.space);
    if (text[at] !== character) return false;
    at++;
    return true;
  };
  const list = (end: string, item: () => boolean): boolean => {
    if (skipCharacter(end)) return true;
    do {
      if (!item()) return false;
    } while (skipCharacter(","));
    return skipCharacter(end);
  };
  const member = (): boolean => {
    skip(tokens.space);
    return skip(tokens.string) && skipCharacter(":") && value();
  };
  const value = (): boolean => {
    if (depth > maxDepth) return false;
    skip(tokens.space);
    depth++;
    const found = listOrScalar();
    depth--;
    return found;
  };
  const listOrScalar = (): boolean => {
    if (skipCharacter("{")) return list("}", member);
    if (skipCharacter("[")) return list("]", value);
    return skip(tokens.string) || skip(tokens.scalar);
  };
  if (value()) skip(tokens.space);
  return at;
}
