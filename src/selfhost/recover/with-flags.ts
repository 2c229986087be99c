/** A command line's words with flags set, or taken away (undefined): `--name=value`, `--name value`, `--name`. Pure. */
export function withFlags(
  words: readonly string[],
  flags: Readonly<Record<string, string | undefined>>,
): string[] {
  const kept: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const [, name, value] = /^--([^=]+)(=.*)?$/.exec(word) ?? [];
    if (name === undefined || !(name in flags)) {
      kept.push(word);
      continue;
    }
    // A value of its own; flags that need none (booleans) are followed by another flag.
    const next = words[i + 1];
    if (value === undefined && next !== undefined && !next.startsWith("-")) i++;
  }
  for (const [name, value] of Object.entries(flags)) if (value !== undefined) kept.push(`--${name}=${value}`);
  return kept;
}
