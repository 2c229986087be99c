import { didYouMean } from "../base/nearest.js";
import { type Command, type CommandGroup, type Flag, isGroup } from "./command.js";
import { commands } from "./commands.js";
import { globalFlags } from "./global-flags.js";
import { helpOfGroup } from "./help.js";
import { loaders } from "./loaders.js";
import { overview } from "./overview.js";
import { usage } from "./usage.js";

/** The command that is meant with its own part of the command line, or help to print. */
export type Route = { help: string } | { command: Command; args: string[] };

/**
 * Finds the command that a command line means, and loads it alone.
 *
 * @throws {SlipwayError} `USAGE`, with what may have been meant
 */
export async function route(argv: readonly string[]): Promise<Route> {
  const { globals, rest } = takeGlobals(argv);
  const [word, ...tail] = rest;
  const asksHelp = word === "help";
  const name = asksHelp ? tail.shift() : word;
  if (name === undefined || name === "-h" || name === "--help") return { help: overview() };
  const entry = commands.find((candidate) => candidate.name === name);
  if (!entry) {
    const listed = commands.map((candidate) => candidate.name);
    throw usage(`there is no command ${name}`, "slipway --help lists the commands", didYouMean(name, listed));
  }
  const found = pick((await loaders[entry.name]()).command, tail);
  if ("group" in found) return { help: helpOfGroup(found.group) };
  const { command, args } = found;
  return { command, args: asksHelp ? ["--help"] : [...globals, ...args] };
}

/** Splits off the global flags that stand before the command's name. */
function takeGlobals(argv: readonly string[]): { globals: string[]; rest: string[] } {
  const globals: string[] = [];
  let at = 0;
  for (; at < argv.length; at++) {
    const word = argv[at]!;
    if (!word.startsWith("-") || word === "-h" || word === "--help") break;
    const flag = Object.entries(globalFlags).find(
      ([name, { short }]: [string, Flag]) =>
        word === `--${name}` ||
        word.startsWith(`--${name}=`) ||
        (short !== undefined && word.startsWith(`-${short}`)),
    );
    if (!flag) {
      throw usage(
        `${word} stands before the command, and is not a flag that all commands take`,
        "put it behind the command's name",
        didYouMean(word.replace(/^-+/, ""), Object.keys(globalFlags)),
      );
    }
    globals.push(word);
    const takesNext = flag[1].type === "string" && (word === `--${flag[0]}` || word.length === 2);
    if (!takesNext) continue;
    const value = argv[++at];
    if (value === undefined) throw usage(`the flag ${word} needs a value`, "slipway options explains");
    globals.push(value);
  }
  return { globals, rest: argv.slice(at) };
}

function pick(
  loaded: Command | CommandGroup,
  args: string[],
): { command: Command; args: string[] } | { group: CommandGroup } {
  if (!isGroup(loaded)) return { command: loaded, args };
  const at = args.findIndex((word) => !word.startsWith("-"));
  const word = at === -1 ? undefined : args[at];
  const byName = (name: string | undefined) =>
    loaded.commands.find(
      (command) =>
        command.name === `${loaded.name} ${name}` || (name !== undefined && command.aliases?.includes(name)),
    );
  const command = byName(word);
  if (command) return { command, args: args.filter((_, i) => i !== at) };
  if (args.includes("-h") || args.includes("--help")) return { group: loaded };
  const fallback = loaded.fallback === undefined ? undefined : byName(loaded.fallback);
  if (fallback && (word === undefined || (fallback.arguments?.length ?? 0) > 0))
    return { command: fallback, args };
  if (word === undefined) return { group: loaded };
  const names = loaded.commands.map(({ name }) => name.slice(loaded.name.length + 1));
  throw usage(
    `there is no command ${loaded.name} ${word}`,
    `slipway ${loaded.name} --help lists: ${names.join(", ")}`,
    didYouMean(word, names),
  );
}
