import type { Cli, OutputFormat } from "./cli.js";

/** A flag as data: parsing, help, completion and the reference are made from it. */
export interface Flag {
  /** One letter, without the dash. */
  short?: string;
  type: "boolean" | "string" | "integer" | "strings";
  /** What the value stands for, in help: `NAME`. */
  value?: string;
  summary: string;
  /** The value when the flag is not given; of a `strings` flag: none is []. */
  default?: string | number | boolean;
  choices?: readonly string[];
  /** What completion offers as its value. @default choices */
  complete?: Completion;
}

/** What a word on the command line names, so that completion can offer what there is. */
export type Completion = "profile" | "node" | "addon" | "component" | "file" | readonly string[];

/** Flags by their long name, without dashes. */
export type Flags = Readonly<Record<string, Flag>>;

export interface Argument {
  /** In capitals, as help shows it: `NAME`. */
  name: string;
  summary: string;
  optional?: true;
  /** Takes all that follow. */
  variadic?: true;
  choices?: readonly string[];
  complete?: Completion;
}

interface ValueOf {
  boolean: boolean;
  string: string;
  integer: number;
  strings: string[];
}

/** The values of flags, typed by their definitions; what has neither value nor default is undefined, [] or false. */
export type FlagValues<F extends Flags> = {
  [Name in keyof F]: F[Name] extends { default: unknown } | { type: "strings" | "boolean" }
    ? ValueOf[F[Name]["type"]]
    : ValueOf[F[Name]["type"]] | undefined;
};

export interface Command<F extends Flags = Flags> {
  /** With its group's name: `node add`. */
  name: string;
  summary: string;
  /** Other names of its last word. */
  aliases?: readonly string[];
  /** Further paragraphs of its help. */
  description?: string;
  arguments?: readonly Argument[];
  flags?: F;
  /** Command lines without `slipway `, each with what it does. */
  examples?: readonly (readonly [line: string, what: string])[];
  /** What -o may be. @default ["text"] */
  outputs?: readonly OutputFormat[];
  /**
   * Whether its progress with -o json is CloudEvents on stdout, one a line, the result last; otherwise -o json is one
   * document. A function decides by the flags that were given.
   */
  streams?: true | ((given: Readonly<Record<string, unknown>>) => boolean);
  /** All from the first argument on belongs to another program. */
  passThrough?: true;
  /** @returns the exit code; nothing is 0. */
  // Method, not property: commands of various flags go into one list.
  run(cli: Cli, args: string[], flags: FlagValues<F>): Promise<number | undefined> | Promise<void>;
}

/** Commands under a common first word: `node list`, `node add`. */
export interface CommandGroup {
  name: string;
  summary: string;
  description?: string;
  commands: readonly Command[];
  /** The command that is meant when the second word is missing: `profile` is `profile list`. */
  fallback?: string;
}

/** What a file in commands/ exports. */
export interface CommandModule {
  command: Command | CommandGroup;
}

/** Gives a command its type from its flags. */
export const defineCommand = <const F extends Flags>(command: Command<F>): Command => command as Command;

export const isGroup = (command: Command | CommandGroup): command is CommandGroup => "commands" in command;
