import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import { slipwayProgram } from "../harness.js";

let directory: string;
let env: Record<string, string>;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-completion-"));
  await symlink(slipwayProgram, join(directory, "slipway"));
  await mkdir(join(directory, "home/state/profiles/demo"), { recursive: true });
  env = { PATH: `${directory}${delimiter}${process.env.PATH}`, SLIPWAY_HOME: join(directory, "home") };
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Each completes a command line as its shell does, in the real shell. */
const shells: Record<string, (line: string) => Promise<string[]>> = {
  async bash(line) {
    const script = `source <(slipway completion bash); COMP_LINE=$1 COMP_POINT=\${#1}; _slipway; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return output("bash", ["--norc", "-c", script, "bash", line]);
  },
  async zsh(line) {
    // The completion system itself needs a terminal; _describe and _files are where the script hands over to it.
    const script = `
      compdef() { : }
      _describe() { print -rl -- \${(P)2%%:*} }
      _files() { print -rl -- *(N) }
      source <(slipway completion zsh)
      words=("\${(@s: :)1}") CURRENT=\${#words}
      _slipway`;
    return output("zsh", ["-f", "-c", script, "zsh", line]);
  },
  async fish(line) {
    const lines = await output("fish", [
      "--no-config",
      "-c",
      "slipway completion fish | source; complete -C $argv[1]",
      line,
    ]);
    return lines.map((text) => text.split("\t")[0]!);
  },
};

async function output(shell: string, args: string[]): Promise<string[]> {
  const { stdout } = await run(shell, args, { env, cwd: directory });
  return stdout.split("\n").filter(Boolean).sort();
}

const isInstalled = async (program: string): Promise<boolean> =>
  (await run("sh", ["-c", `command -v ${program}`], { allowFailure: true })).exitCode === 0;

describe.each(Object.keys(shells))("in %s", (shell) => {
  const complete = shells[shell]!;

  test("commands, flags, values, names and files are offered", async (context) => {
    if (!(await isInstalled(shell))) return context.skip(`${shell} is not installed`);
    expect(await complete("slipway sta")).toEqual(["start", "status"]);
    expect(await complete("slipway node ")).toEqual(["add", "delete", "list", "start", "stop"]);
    expect(await complete("slipway start --keep")).toEqual(["--keep-context"]);
    expect(await complete("slipway start --driver ")).toEqual(["sandbox"]);
    expect(await complete("slipway status -p ")).toEqual(["demo"]);
    expect(await complete("slipway addons enable co")).toEqual(["coredns"]);
    await writeFile(join(directory, "cluster.yaml"), "");
    expect(await complete("slipway start -f ")).toContain("cluster.yaml");
  });

  test("what was typed is not evaluated", async (context) => {
    if (!(await isInstalled(shell))) return context.skip(`${shell} is not installed`);
    await complete("slipway ssh $(touch$IFS$PWD/evaluated) `touch evaluated` ");
    expect(await output("ls", [])).not.toContain("evaluated");
  });
});
