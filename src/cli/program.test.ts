import { describe, expect, test } from "vitest";
import { isSlipwayError } from "../base/errors.js";
import { type Command, isGroup } from "./command.js";
import { commands } from "./commands.js";
import { globalFlags } from "./global-flags.js";
import { loaders } from "./loaders.js";
import { helpOf, parse } from "./program.js";

/** What a command line asks for, without the command's definition. */
async function parsed(...argv: string[]) {
  const invocation = await parse(argv);
  if (invocation.kind === "help") return { help: invocation.text };
  const { command, args, flags, globals } = invocation;
  return { command: command.name, args, flags, globals };
}

const noGlobals = { profile: undefined, output: undefined, verbose: false, quiet: false, "no-color": false };

describe("a command line", () => {
  test("global flags stand before or after the command", async () => {
    const globals = { ...noGlobals, profile: "demo", output: "json", "no-color": true };
    const expected = { command: "node list", args: [], flags: {}, globals };
    expect(await parsed("-p", "demo", "--no-color", "-o=json", "node", "list")).toEqual(expected);
    expect(await parsed("--profile=demo", "node", "-ojson", "list", "--no-color")).toEqual(expected);
    expect(await parsed("node", "ls", "-p", "demo", "-o", "json", "--no-color")).toEqual(expected);
  });

  test("only what was given is there, typed", async () => {
    expect(await parsed("start", "-n", "3", "--addons", "a,b", "--addons=c", "--keep-context")).toEqual({
      command: "start",
      args: [],
      flags: { nodes: 3, addons: ["a,b", "c"], "keep-context": true },
      globals: noGlobals,
    });
  });

  test("booleans may be written as minikube's flags are", async () => {
    expect(await parsed("stop", "--all=false")).toMatchObject({ flags: { all: false } });
    expect(await parsed("stop", "--all=true")).toMatchObject({ flags: { all: true } });
  });

  test("what belongs to another program is left alone", async () => {
    const args = ["get", "pods", "-o=wide", "--quiet=true", "-p"];
    expect(await parsed("kubectl", "-p", "demo", "--", ...args)).toMatchObject({
      args,
      globals: { profile: "demo", output: undefined },
    });
    expect(await parsed("kubectl", ...args)).toMatchObject({ args, globals: noGlobals });
    expect(await parsed("ssh", "-n", "m2", "ls", "-n")).toMatchObject({
      args: ["ls", "-n"],
      flags: { node: "m2" },
    });
  });

  test("profile NAME is profile use NAME", async () => {
    expect(await parsed("profile", "demo")).toMatchObject({ command: "profile use", args: ["demo"] });
    expect(await parsed("profile")).toMatchObject({ command: "profile use", args: [] });
    expect(await parsed("profile", "list")).toMatchObject({ command: "profile list" });
  });

  test.each([["help"], ["--help"], ["-h"], ["-p", "x", "--help"]])(
    "%s %s %s gives the overview",
    async (...argv) => {
      expect((await parsed(...argv.filter((word) => word !== undefined))).help).toMatch(/^Slipway launches/);
    },
  );

  test.each([
    [["help", "node"], /^Usage: slipway node <command>/],
    [["node", "--help"], /^Usage: slipway node <command>/],
    [["node"], /^Usage: slipway node <command>/],
    [["help", "node", "add"], /^Usage: slipway node add/],
    [["node", "add", "-h"], /^Usage: slipway node add/],
    [["help", "start"], /^Usage: slipway start/],
  ])("%j explains", async (argv, expected) => {
    expect((await parsed(...argv)).help).toMatch(expected);
  });
});

test.each([
  [["strat"], "there is no command strat, did you mean start?"],
  [["frobnicate"], "there is no command frobnicate"],
  [["node", "ad"], "there is no command node ad, did you mean add?"],
  [["start", "--nods", "3"], "start has no flag --nods, did you mean --nodes?"],
  [["start", "--nods=3"], "start has no flag --nods, did you mean --nodes?"],
  [["start", "-x"], "start has no flag -x"],
  [["start", "--nodes"], "the flag -n, --nodes needs a value"],
  [["start", "--nodes", "three"], "--nodes cannot be three, it must be a whole number"],
  [["start", "--nodes", "1e3"], "--nodes cannot be 1e3, it must be a whole number"],
  [["start", "--driver", "docker"], "--driver cannot be docker, it must be sandbox"],
  [["start", "now"], "start does not take now"],
  [["cp", "a", "b", "c", "d"], "cp does not take c d"],
  [
    ["start", "--keep-context=maybe"],
    "the flag --keep-context is given alone, or as --keep-context=true or --keep-context=false",
  ],
  [["status", "-o", "xml"], "--output cannot be xml, it must be text, table, json or yaml"],
  [["completion"], "completion needs SHELL"],
  [["completion", "tcsh"], "SHELL cannot be tcsh, it must be bash, zsh or fish"],
  [["cp", "a"], "cp needs TO"],
  [["-p"], "the flag -p needs a value"],
  [["--nodes", "3", "start"], "--nodes stands before the command, and is not a flag that all commands take"],
  [
    ["--profil", "x", "start"],
    "--profil stands before the command, and is not a flag that all commands take, did you mean profile?",
  ],
])("%j is refused: %s", async (argv, message) => {
  const error = await parse(argv).catch((thrown: unknown) => thrown);
  expect(isSlipwayError(error, "USAGE") && error.message).toBe(message);
  expect(isSlipwayError(error) && error.hint).toBeTruthy();
});

describe("every command", async () => {
  const all: Command[] = [];
  for (const { name } of commands) {
    const { command } = await loaders[name]();
    all.push(...(isGroup(command) ? command.commands : [command]));
  }

  test.each(commands.map(({ name, summary }) => [name, summary] as const))(
    "%s has the summary that the overview lists",
    async (name, summary) => {
      expect((await loaders[name]()).command).toMatchObject({ name, summary });
    },
  );

  test.each(all.map((command) => [command.name, command] as const))("%s explains itself", (_, command) => {
    const help = helpOf(command);
    expect(help).toContain(`Usage: slipway ${command.name}`);
    for (const flag of Object.keys(command.flags ?? {})) expect(help).toContain(`--${flag}`);
    expect(command.summary).toMatch(/^[A-Z].*[^.]$/);
  });

  test("has one meaning for each short flag, its own before the common ones", () => {
    for (const command of all) {
      const shorts = Object.values(command.flags ?? {}).flatMap((flag) => flag.short ?? []);
      expect(new Set(shorts).size, command.name).toBe(shorts.length);
      const common: string[] = Object.values(globalFlags).flatMap((flag) =>
        "short" in flag ? flag.short : [],
      );
      expect(
        shorts.filter((short) => common.includes(short)),
        command.name,
      ).toEqual([]);
    }
  });
});
