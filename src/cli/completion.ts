import { RootCommand } from "@bomb.sh/tab";
import type { Context } from "../base/context.js";
import { discardEvents } from "../base/events.js";
import { type Command, type CommandGroup, type Completion, type Flags, isGroup } from "./command.js";
import { commands } from "./commands.js";
import { createContext } from "./context.js";
import { globalFlags } from "./global-flags.js";
import { loaders } from "./loaders.js";
import { capturedConsole } from "./output/captured-console.js";

/** What words on a command line may name that is looked up, since it changes. */
type Kind = Exclude<Completion, "file" | readonly string[]>;

/** Cobra's directive "nothing special": the shell falls back to file names. */
const filesDirective = ":0";

/** `slipway complete -- WORDS`: what the scripts of `slipway completion` call; for them alone, so it is no command. */
export async function answerCompletion(argv: readonly string[]): Promise<string> {
  const words = argv[0] === "--" ? argv.slice(1) : argv;
  const { context } = createContext(discardEvents, new AbortController().signal);
  return `${(await complete(words, context)).join("\n")}\n`;
}

/**
 * What may stand at the end of a command line.
 *
 * @param words the command line so far without `slipway`; the last one, maybe empty, is to be completed
 * @returns `value TAB description` lines, and the directive that the scripts expect last
 */
async function complete(words: readonly string[], context: Context): Promise<string[]> {
  const called = await loadCalled(words);
  const first = ask(words, called, {});
  if (first.wants.has("file")) return [...first.lines.slice(0, -1), filesDirective];
  const names: Partial<Record<Kind, readonly string[]>> = {};
  for (const kind of first.wants) if (kind !== "file") names[kind] = await lookUp(kind, words, context);
  const { lines } = first.wants.size === 0 ? first : ask(words, called, names);
  // After `--flag=` tab offers bare values; the shells replace the whole word.
  const prefix = /^--[^=]+=/.exec(words.at(-1) ?? "")?.[0] ?? "";
  return lines.map((line, i) => (i === lines.length - 1 ? line : prefix + line));
}

/** The commands that the words before the last one may have called, by their first word. */
async function loadCalled(words: readonly string[]): Promise<Map<string, Command | CommandGroup>> {
  const called = new Map<string, Command | CommandGroup>();
  for (const { name } of commands) {
    if (words.slice(0, -1).includes(name)) called.set(name, (await loaders[name]()).command);
  }
  return called;
}

/** Asks tab once. @returns its answer, and what it would have offered names of */
function ask(
  words: readonly string[],
  called: ReadonlyMap<string, Command | CommandGroup>,
  names: Partial<Record<Kind, readonly string[]>>,
): { lines: string[]; wants: Set<Kind | "file"> } {
  const wants = new Set<Kind | "file">();
  const offer =
    (completion: Completion | undefined) => (add: (value: string, description: string) => void) => {
      if (typeof completion === "string") wants.add(completion);
      const values = typeof completion === "string" ? names[completion as Kind] : completion;
      for (const value of values ?? []) add(value, "");
    };
  const tree = new RootCommand();
  const addFlags = (node: ReturnType<RootCommand["command"]>, flags: Flags) => {
    for (const [name, flag] of Object.entries(flags)) {
      if (flag.type !== "boolean")
        node.option(name, flag.summary, offer(flag.choices ?? flag.complete), flag.short);
      else if (flag.short) node.option(name, flag.summary, flag.short);
      else node.option(name, flag.summary);
    }
  };
  const addCommand = (command: Command) => {
    const node = tree.command(command.name, command.summary);
    for (const { name, choices, complete: completion, variadic } of command.arguments ?? []) {
      node.argument(name, offer(choices ?? completion), variadic ?? false);
    }
    addFlags(node, { ...globalFlags, ...command.flags });
  };
  for (const { name, summary } of commands) {
    const command = called.get(name);
    if (command === undefined || isGroup(command)) tree.command(name, summary);
    if (command !== undefined)
      for (const one of isGroup(command) ? command.commands : [command]) addCommand(one);
  }
  addFlags(tree, globalFlags);
  return { lines: capturedConsole(() => tree.parse([...words])), wants };
}

/** Names of what is there now. */
async function lookUp(kind: Kind, words: readonly string[], context: Context): Promise<readonly string[]> {
  switch (kind) {
    case "profile":
      return (await import("../cluster/profile.js")).profileNames(context);
    case "node": {
      const { activeProfile } = await import("../cluster/profiles.js");
      const { findProfile } = await import("../cluster/profile.js");
      const at = words.findLastIndex((word) => word === "-p" || word === "--profile");
      const name = (at === -1 ? undefined : words[at + 1]) ?? (await activeProfile(context));
      // A torn profile has no nodes to offer; the command itself will say what is wrong.
      const profile = await findProfile(name, context).catch(() => undefined);
      return profile?.spec.nodes.map((node) => node.name) ?? [];
    }
    case "addon":
      return (await import("../spec/addons.js")).addonNames;
    case "component":
      return (await import("../components/catalog.js")).catalog().map(({ name }) => name);
  }
}
