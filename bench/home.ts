import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/base/clock.js";
import type { Context } from "../src/base/context.js";
import { discardEvents } from "../src/base/events.js";
import { resolvePaths } from "../src/base/paths.js";
import { type RunOptions, type RunResult, run } from "../src/base/run.js";

/** A home of a benchmark's clusters, which goes with them; components come from the cache that everybody shares. */
export class BenchHome implements AsyncDisposable {
  readonly directory: string;
  readonly context: Context;
  readonly env: { XDG_STATE_HOME: string; XDG_CONFIG_HOME: string; KUBECONFIG: string };

  private constructor(directory: string) {
    this.directory = directory;
    this.context = {
      paths: {
        ...resolvePaths(process.env, process.env.HOME ?? "/root"),
        state: join(directory, "state/slipway"),
      },
      events: discardEvents,
      signal: new AbortController().signal,
      clock: systemClock,
    };
    this.env = {
      XDG_STATE_HOME: join(directory, "state"),
      XDG_CONFIG_HOME: join(directory, "config"),
      KUBECONFIG: join(directory, "kubeconfig"),
    };
  }

  static async create(): Promise<BenchHome> {
    return new BenchHome(await mkdtemp(join(tmpdir(), "slipway-bench-")));
  }

  /** Runs the built command line. */
  slipway(args: string[], options: RunOptions = {}): Promise<RunResult> {
    return run(process.execPath, ["dist/cli/main.js", ...args], {
      timeoutMs: 600_000,
      ...options,
      env: { ...this.env, ...options.env },
    });
  }

  profileFile(profile: string, name: string): string {
    return join(this.env.XDG_STATE_HOME, "slipway/profiles", profile, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.slipway(["delete", "--all"], { allowFailure: true });
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** @returns the seconds that it took */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
