import { isatty } from "node:tty";
import { isSlipwayError } from "../../base/errors.js";
import { type RunOptions, type RunResult, run, runInteractive } from "../../base/run.js";
import { requireMachine, type Sandbox } from "./context.js";
import { diskFull } from "./disk-full.js";
import { notRunning } from "./lifecycle.js";
import { checkNames, containerId } from "./names.js";

/** Runs a command in a machine. Its environment and directory are the node's; `env` and `cwd` of the options add to them. */
export async function execInMachine(
  sandbox: Sandbox,
  cluster: string,
  name: string,
  command: readonly string[],
  { env, cwd, ...options }: RunOptions = {},
): Promise<RunResult> {
  const [program, ...args] = execCommand(sandbox, cluster, name, command, { env, cwd });
  const result = await run(program!, args, options).catch(async (error: unknown) => {
    if (!isSlipwayError(error, "PROGRAM_FAILED")) throw error;
    await requireRunning(sandbox, cluster, name);
    throw diskFull(name, error.details.output ?? "", error) ?? error;
  });
  // Asked afterwards and only on failure: the question costs as much as a short command.
  if (result.exitCode !== 0) await requireRunning(sandbox, cluster, name);
  return result;
}

/** The same on our own terminal. @returns the command's exit code */
export async function execInteractive(
  sandbox: Sandbox,
  cluster: string,
  name: string,
  command: readonly string[],
  { env, signal }: { env?: Record<string, string | undefined>; signal?: AbortSignal } = {},
): Promise<number> {
  await requireRunning(sandbox, cluster, name);
  const terminal = isatty(0) && isatty(1);
  const [program, ...args] = execCommand(sandbox, cluster, name, command, { env, terminal });
  return runInteractive(program!, args, signal ? { signal } : {});
}

/** The command line, for callers that need the streams themselves. */
export function execCommand(
  sandbox: Sandbox,
  cluster: string,
  name: string,
  command: readonly string[],
  {
    env = {},
    cwd,
    terminal = false,
  }: {
    env?: Record<string, string | undefined> | undefined;
    cwd?: string | undefined;
    terminal?: boolean;
  } = {},
): string[] {
  checkNames(cluster, name);
  return sandbox.runc.commandLine(
    "exec",
    ...(terminal ? ["--tty"] : []),
    ...(cwd === undefined ? [] : ["--cwd", cwd]),
    ...Object.entries(env).flatMap(([key, value]) =>
      value === undefined ? [] : ["--env", `${key}=${value}`],
    ),
    containerId(cluster, name),
    ...command,
  );
}

export async function requireRunning(sandbox: Sandbox, cluster: string, name: string): Promise<void> {
  const { runc } = await requireMachine(sandbox, cluster, name);
  if (runc?.status !== "running") throw notRunning(name);
}
