/** What one execution may cost, so that no template can hold the server or its memory. */
export interface TemplateLimits {
  /** @default 4 MiB */
  outputBytes: number;
  /** Nodes walked, functions called; 64 characters worked on count as one. @default 1,000,000: some tenths of a second */
  steps: number;
  /** Templates, branches and parentheses inside each other. @default 500 */
  depth: number;
}

export const defaultLimits: TemplateLimits = { outputBytes: 4 << 20, steps: 1_000_000, depth: 500 };

/** Takes the cost of work before it is done. @throws when it is too much */
export type Spend = (characters: number) => void;
