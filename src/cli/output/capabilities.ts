/** What a stream can show. */
export interface Capabilities {
  color: boolean;
  /** Lines may be painted over: a terminal, and nobody asked for plain lines. */
  live: boolean;
}

/**
 * Decides once, from the stream and the user's wishes: the flag first, then NO_COLOR (no-color.org), FORCE_COLOR,
 * TERM=dumb, and CI, whose logs are no terminal even where they pretend to be.
 */
export function capabilitiesOf(
  stream: { isTTY?: boolean },
  env: Record<string, string | undefined>,
  { noColor = false }: { noColor?: boolean } = {},
): Capabilities {
  const terminal = stream.isTTY === true && env.TERM !== "dumb";
  return { color: wantsColor(terminal, env, noColor), live: terminal && !env.CI };
}

function wantsColor(terminal: boolean, env: Record<string, string | undefined>, noColor: boolean): boolean {
  if (noColor || env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "") return env.FORCE_COLOR !== "0";
  return terminal;
}
