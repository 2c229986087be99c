import { join } from "node:path";
import { SlipwayError } from "../../base/errors.js";
import { exists, readTextIfPresent } from "../../base/files.js";
import { type RunResult, run } from "../../base/run.js";

/** runc's own account of a container (OCI runtime-spec, runtime.md "State"). */
export interface RuncState {
  id: string;
  /** created: init waits for `start`. stopped: init has ended, its cgroups and state are still there. */
  status: "created" | "running" | "paused" | "stopped";
  /** 0 once stopped. */
  pid: number;
  bundle: string;
}

interface Options {
  signal?: AbortSignal;
}

/** Systemd shuts down in order on SIGRTMIN+3 (systemd(1), "SIGNALS"); glibc's SIGRTMIN is 34. */
export const haltSignal = 37;

/** The OCI runtime: the one that knows which machines run. */
export class Runc {
  readonly program: string;
  readonly root: string;

  constructor(program: string, root: string) {
    this.program = program;
    this.root = root;
  }

  /** The whole command line, for programs that run it on our behalf. */
  commandLine(...args: string[]): string[] {
    return [this.program, "--root", this.root, ...args];
  }

  /** undefined when runc does not know it. */
  async state(id: string, options: Options = {}): Promise<RuncState | undefined> {
    // Most machines that are asked about run, or are new: for those the answer costs no process.
    if (!(await exists(join(this.root, id)))) return undefined;
    const result = await this.run(["state", id], { allowFailure: true, ...options });
    if (result.exitCode === 0) return JSON.parse(result.stdout) as RuncState;
    // A run killed inside `runc create` leaves a directory without a state.
    return undefined;
  }

  async list(options: Options = {}): Promise<RuncState[]> {
    if (!(await exists(this.root))) return [];
    const { stdout } = await this.run(["list", "--format", "json"], options);
    return (JSON.parse(stdout || "null") as RuncState[] | null) ?? [];
  }

  async start(id: string, options: Options = {}): Promise<void> {
    await this.run(["start", id], options);
  }

  async kill(id: string, signal: string | number, options: Options = {}): Promise<void> {
    const { exitCode, stderr } = await this.run(["kill", id, String(signal)], {
      allowFailure: true,
      ...options,
    });
    if (exitCode === 0 || /not running|does not exist|process already finished|no such process/.test(stderr))
      return;
    throw new SlipwayError("MACHINE_FAILED", `${id} could not be sent a signal: ${stderr}`);
  }

  pause = (id: string, options: Options = {}): Promise<RunResult> => this.run(["pause", id], options);

  resume = (id: string, options: Options = {}): Promise<RunResult> => this.run(["resume", id], options);

  /** @param weight 1: as a control group that nobody has said anything of. runc makes a weight of cgroup v2 of it. */
  weigh = (id: string, weight: number, options: Options = {}): Promise<RunResult> =>
    this.run(["update", "--cpu-share", String(1024 * weight), id], options);

  /** Kills it if it runs, and forgets it; nothing to forget is no error. */
  async forget(id: string, options: Options = {}): Promise<void> {
    if (!(await exists(join(this.root, id)))) return;
    await this.run(["delete", "--force", id], { allowFailure: true, ...options });
  }

  private run(args: string[], options: Options & { allowFailure?: boolean } = {}): Promise<RunResult> {
    const [program, ...rest] = this.commandLine(...args);
    return run(program!, rest, options);
  }
}

/** The last thing that runc logged (`--log-format json`, one object a line). */
export async function lastRuncError(logFile: string): Promise<string | undefined> {
  const line = (await readTextIfPresent(logFile))?.trim().split("\n").at(-1);
  if (!line) return undefined;
  try {
    return (JSON.parse(line) as { msg?: string }).msg ?? line;
  } catch {
    return line;
  }
}
