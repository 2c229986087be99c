import { Argument, Command as Commander, CommanderError, InvalidArgumentError, Option } from "commander";
import type { SlipwayError } from "../base/errors.js";
import { didYouMean } from "../base/nearest.js";
import type { Command, Flag, Flags, FlagValues } from "./command.js";
import { execute, reportEarly } from "./execute.js";
import { globalFlags } from "./global-flags.js";
import { helpAfter } from "./help.js";
import { route } from "./route.js";
import { usage } from "./usage.js";

/** What a command line asks for. */
export type Invocation =
  | { kind: "help"; text: string }
  | {
      kind: "run";
      command: Command;
      args: string[];
      /** Only what was given; defaults come later, after the user's configuration. */
      flags: Record<string, unknown>;
      globals: FlagValues<typeof globalFlags>;
    };

/** Reads and runs a command line. @returns the exit code */
export async function runProgram(argv: readonly string[]): Promise<number> {
  if (argv[0] === "complete") {
    const { answerCompletion } = await import("./completion.js");
    process.stdout.write(await answerCompletion(argv.slice(1)));
    return 0;
  }
  let invocation: Invocation;
  try {
    invocation = await parse(argv);
  } catch (error) {
    return reportEarly(error, argv);
  }
  if (invocation.kind === "help") {
    process.stdout.write(invocation.text);
    return 0;
  }
  return execute(invocation);
}

/**
 * Finds the command, loads it alone, and reads its flags.
 *
 * @throws {SlipwayError} `USAGE`, with what may have been meant
 */
export async function parse(argv: readonly string[]): Promise<Invocation> {
  const found = await route(argv);
  return "help" in found ? { kind: "help", text: found.help } : parseCommand(found.command, found.args);
}

function parseCommand(command: Command, args: readonly string[]): Invocation {
  const flags: Flags = command.flags ?? {};
  const all: Flags = { ...globalFlags, ...flags };
  const parser = toCommander(command);
  let help = "";
  parser.configureOutput({ writeOut: (text) => (help += text), writeErr: () => {} });
  try {
    parser.parse(asCommander(args, all, command.passThrough ?? false), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "help", text: help };
    throw usageFrom(error, command, all, parser.args);
  }
  const given = valuesOf(parser.opts(), all);
  const isGlobal = (name: string) => name in globalFlags && !(name in flags);
  return {
    kind: "run",
    command,
    args: parser.args,
    flags: Object.fromEntries(Object.entries(given).filter(([name]) => !isGlobal(name))),
    globals: {
      profile: undefined,
      output: undefined,
      verbose: false,
      quiet: false,
      "no-color": false,
      ...Object.fromEntries(Object.entries(given).filter(([name]) => isGlobal(name))),
    },
  };
}

/** Help of one command, for the reference. */
export const helpOf = (command: Command): string => toCommander(command).helpInformation();

function toCommander(command: Command): Commander {
  const parser = new Commander(`slipway ${command.name}`)
    .summary(command.summary)
    .description([command.summary, command.description].filter(Boolean).join("\n\n"))
    .helpOption("-h, --help", "Explain this command")
    .exitOverride()
    .passThroughOptions(command.passThrough ?? false)
    .configureHelp({
      helpWidth: Math.min(process.stdout.columns ?? 100, 110),
      styleTitle: (title) => title.replace("Options:", "Flags:"),
      styleUsage: (text) => text.replace("[options]", "[flags]"),
    })
    .addHelpText("after", helpAfter(command));
  for (const argument of command.arguments ?? []) {
    const name = argument.variadic ? `${argument.name}...` : argument.name;
    const described = new Argument(argument.optional ? `[${name}]` : `<${name}>`, argument.summary);
    parser.addArgument(argument.choices ? described.choices(argument.choices) : described);
  }
  for (const [name, flag] of Object.entries(command.flags ?? {})) addFlag(parser, name, flag, false);
  for (const [name, flag] of Object.entries(globalFlags)) {
    if (!(name in (command.flags ?? {}))) addFlag(parser, name, flag, true);
  }
  return parser;
}

function addFlag(parser: Commander, name: string, flag: Flag, hidden: boolean): void {
  const short = flag.short ? `-${flag.short}, ` : "";
  const value = flag.type === "boolean" ? "" : ` <${flag.value ?? "VALUE"}>`;
  const option = new Option(`${short}--${name}${value}`, describe(flag)).hideHelp(hidden);
  if (flag.choices) option.choices([...flag.choices]);
  if (flag.type === "integer") option.argParser(integer);
  if (flag.type === "strings") {
    option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text]);
  }
  parser.addOption(option);
  if (flag.type === "boolean" && !name.startsWith("no-"))
    parser.addOption(new Option(`--no-${name}`).hideHelp());
}

const describe = (flag: Flag): string =>
  flag.default === undefined || flag.default === false
    ? flag.summary
    : `${flag.summary} (default: ${flag.default})`;

function integer(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

/** `--all=false` and `-o=json`, which hands know from minikube, as commander takes them. */
function asCommander(args: readonly string[], flags: Flags, passThrough: boolean): string[] {
  const end = args.findIndex((word) => word === "--" || (passThrough && !word.startsWith("-")));
  return args.map((word, i) => {
    if (end !== -1 && i >= end) return word;
    const [, name, value] = /^--([a-z-]+)=(true|false)$/.exec(word) ?? [];
    if (name && flags[name]?.type === "boolean") return value === "true" ? `--${name}` : `--no-${name}`;
    return word.replace(/^(-[a-zA-Z])=/, "$1");
  });
}

/** Commander names `--dry-run` dryRun, and gives `--no-color` as color: false. */
function valuesOf(options: Record<string, unknown>, flags: Flags): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  const camel = (name: string) => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  for (const name of Object.keys(flags)) {
    const negated = name.startsWith("no-");
    const value = options[camel(negated ? name.slice(3) : name)];
    if (value !== undefined) values[name] = negated ? value === false : value;
  }
  return values;
}

/** @param given all arguments but flags */
function usageFrom(
  error: CommanderError,
  command: Command,
  flags: Flags,
  given: readonly string[],
): SlipwayError {
  const help = `slipway ${command.name} --help explains`;
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  switch (error.code) {
    case "commander.unknownOption": {
      const word = quoted.replace(/=.*/, "");
      if (word.slice(2) in flags)
        return usage(`the flag ${word} is given alone, or as ${word}=true or ${word}=false`, help);
      const near = didYouMean(word.replace(/^-+/, ""), Object.keys(flags));
      return usage(`${command.name} has no flag ${word}`, help, near?.replaceAll(/(?<=mean |or )/g, "--"));
    }
    case "commander.missingArgument":
      return usage(`${command.name} needs ${quoted}`, help);
    case "commander.excessArguments":
      return usage(
        `${command.name} does not take ${given.slice(command.arguments?.length ?? 0).join(" ")}`,
        help,
      );
    case "commander.optionMissingArgument":
      return usage(`the flag ${quoted.replace(/ <.*/, "")} needs a value`, help);
    default:
      return usage(invalidValue(error.message), help);
  }
}

/** Commander's words for a value that will not do, in ours. */
function invalidValue(message: string): string {
  const ofFlag = /option '(?:-\w, )?(--[\w-]+)[^']*' argument '(.*)' is invalid\.\s*(.*)$/s.exec(message);
  const ofArgument = /value '(.*)' is invalid for argument '(.*)'\.\s*(.*)$/s.exec(message);
  const [subject, given, why] = ofFlag
    ? ofFlag.slice(1)
    : ofArgument
      ? [ofArgument[2], ofArgument[1], ofArgument[3]]
      : [];
  if (why === undefined) return message.replace(/^error: /, "");
  const allowed = /^Allowed choices are (.*?)\.?$/.exec(why)?.[1];
  const must = why.replace(/^It must be/, "must be").replace(/\.$/, "");
  return `${subject} cannot be ${given}, it ${allowed ? `must be ${allowed.replace(/, (?=[^,]*$)/, " or ")}` : must}`;
}
