import { execa, type Options, type ResultPromise } from "execa";
import { SlipwayError } from "./errors.js";

export interface RunOptions {
  /** Fed to the program's standard input, then closed. */
  input?: string | Uint8Array;
  cwd?: string;
  /** Added to the inherited environment. */
  env?: Record<string, string | undefined>;
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Called for each line of standard output and of standard error, as it comes. */
  onLine?: (line: string, stream: "stdout" | "stderr") => void;
  /** Give back the result whatever the exit code is. @default false */
  allowFailure?: boolean;
}

export interface RunResult {
  /** Without the final newline. */
  stdout: string;
  stderr: string;
  exitCode: number;
}

/**
 * Runs a program to its end. The one place that does.
 *
 * @throws {SlipwayError} `PROGRAM_NOT_FOUND`; `PROGRAM_FAILED` with the pasteable command and its last output lines;
 * `TIMED_OUT`; the signal's reason when aborted.
 */
export async function run(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const subprocess = execa(file, args, {
    reject: false,
    stdin: options.input === undefined ? "ignore" : "pipe",
    forceKillAfterDelay: 3000,
    maxBuffer: 256 * 1024 * 1024,
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  } as Options) as ResultPromise;
  if (options.onLine) forwardLines(subprocess, options.onLine);
  const result = await subprocess;
  options.signal?.throwIfAborted();
  const outcome: RunResult = {
    stdout: String(result.stdout ?? ""),
    stderr: String(result.stderr ?? ""),
    exitCode: result.exitCode ?? -1,
  };
  if (result.failed && (result as { code?: string }).code === "ENOENT" && result.exitCode === undefined) {
    throw new SlipwayError(
      "PROGRAM_NOT_FOUND",
      `the program ${file} is not installed, or its directory is missing`,
      {
        details: { command: result.escapedCommand },
        cause: result.cause,
      },
    );
  }
  if (result.timedOut) {
    throw new SlipwayError("TIMED_OUT", `${file} did not end within ${options.timeoutMs} ms`, {
      details: { command: result.escapedCommand, output: lastLines(outcome) },
    });
  }
  if (outcome.exitCode !== 0 && !options.allowFailure) {
    const how = result.signal ? `was ended by ${result.signal}` : `ended with exit code ${outcome.exitCode}`;
    throw new SlipwayError("PROGRAM_FAILED", `${file} ${how}`, {
      details: { command: result.escapedCommand, output: lastLines(outcome) },
      cause: result.cause,
    });
  }
  return outcome;
}

/**
 * Runs a program on this process's own terminal (a shell in a node, `kubectl -- …`) and gives back its exit code.
 */
export async function runInteractive(
  file: string,
  args: readonly string[],
  options: Pick<RunOptions, "env" | "cwd" | "signal"> = {},
): Promise<number> {
  const result = await execa(file, args, {
    reject: false,
    stdio: "inherit",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  });
  if (result.exitCode === undefined && (result as { code?: string }).code === "ENOENT") {
    throw new SlipwayError("PROGRAM_NOT_FOUND", `the program ${file} is not installed`);
  }
  return result.exitCode ?? (result.signal ? 130 : 1);
}

/**
 * Starts a program that goes on beside us (a server in a test, a followed log). Standard input is closed; the caller
 * reads `stdout` and `stderr`, and ends it with `kill()`.
 */
export function start(
  file: string,
  args: readonly string[],
  options: Pick<RunOptions, "cwd" | "env" | "signal"> & { stdio?: Options["stdio"] } = {},
): ResultPromise {
  return execa(file, args, {
    reject: false,
    buffer: false,
    stdin: "ignore",
    forceKillAfterDelay: 3000,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(options.stdio === undefined ? {} : { stdio: options.stdio, stdin: undefined }),
  } as Options) as ResultPromise;
}

function forwardLines(subprocess: ResultPromise, onLine: NonNullable<RunOptions["onLine"]>): void {
  for (const stream of ["stdout", "stderr"] as const) {
    let rest = "";
    subprocess[stream]?.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString("utf8")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line, stream);
    });
    subprocess[stream]?.on("end", () => {
      if (rest) onLine(rest, stream);
    });
  }
}

function lastLines({ stdout, stderr }: RunResult, count = 20): string {
  const text = [stdout, stderr].filter(Boolean).join("\n").trim();
  return text === "" ? "(no output)" : text.split("\n").slice(-count).join("\n");
}
