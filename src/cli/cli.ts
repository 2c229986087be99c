import type { Context } from "../base/context.js";

/** How a command can print: the first that it lists is what it does without -o. */
export type OutputFormat = "text" | "table" | "json" | "yaml";

/** What a command gets to work with. */
export interface Cli {
  /** For the operations: paths, clock, signal, and events that show as progress. */
  context: Context;
  /** What -p named. */
  namedProfile: string | undefined;
  /** The flags that were given, without defaults. */
  given: Readonly<Record<string, unknown>>;
  /** What -p named; else the active profile. */
  profile(): Promise<string>;
  output: OutputFormat;
  /** The user's kubeconfig files, as KUBECONFIG lists them; the first is written. */
  kubeconfigFiles: string[];
  workingDirectory: string;
  /** The environment's SLIPWAY_HOME. */
  slipwayHome: string | undefined;
  /** Prints text on stdout as it is, with a final newline. */
  print(text: string): void;
  /** Prints data on stdout: as -o asks, or as the command writes it for people. */
  show(value: unknown, asText: () => string): Promise<void>;
  /** Ends a command that works: its result as the last CloudEvent with -o json, else the line on stderr. */
  done(result: Record<string, unknown>, line: string): void;
}
