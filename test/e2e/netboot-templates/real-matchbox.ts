import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { systemClock } from "../../../src/base/clock.js";
import { discardEvents } from "../../../src/base/events.js";
import { resolvePaths } from "../../../src/base/paths.js";
import { ensureComponents } from "../../../src/components/ensure.js";

/** Building it takes a minute or two, on a machine that is busy with other builds much longer. */
export const firstBuildMs = 30 * 60_000;

export interface Answer {
  status: number;
  contentType: string | null;
  body: Buffer;
}

/** The real matchbox, from the store (built on first use), on a data directory of its own and a port of 127.0.0.1. */
export class RealMatchbox implements AsyncDisposable {
  readonly directory: string;
  readonly #process: ChildProcess;
  readonly #url: string;

  private constructor(directory: string, process: ChildProcess, url: string) {
    this.directory = directory;
    this.#process = process;
    this.#url = url;
  }

  static async start(): Promise<RealMatchbox> {
    const program = await matchboxProgram();
    const directory = await mkdtemp(join(tmpdir(), "slipway-matchbox-"));
    const port = await freePort();
    const args = [
      `-address=127.0.0.1:${port}`,
      `-data-path=${directory}`,
      "-assets-path=",
      "-log-level=fatal",
    ];
    const child = spawn(program, args, { stdio: "ignore" });
    const matchbox = new RealMatchbox(directory, child, `http://127.0.0.1:${port}`);
    await matchbox.#answers();
    return matchbox;
  }

  /** Matchbox reads its files at each request. */
  async write(files: Record<string, string>): Promise<void> {
    for (const [path, contents] of Object.entries(files)) {
      await mkdir(dirname(join(this.directory, path)), { recursive: true });
      await writeFile(join(this.directory, path), contents);
    }
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.#url + path, { headers });
    return {
      status: response.status,
      contentType: response.headers.get("content-type"),
      body: Buffer.from(await response.arrayBuffer()),
    };
  }

  async #answers(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const answer = await this.get("/").catch(() => undefined);
      if (answer?.status === 200) return;
      if (tries > 200 || this.#process.exitCode !== null) throw new Error("matchbox does not answer");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null) {
      this.#process.kill();
      await once(this.#process, "exit");
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function matchboxProgram(): Promise<string> {
  const context = {
    paths: resolvePaths(process.env, homedir()),
    events: discardEvents,
    signal: new AbortController().signal,
    clock: systemClock,
  };
  const components = await ensureComponents([{ name: "matchbox", version: "v0.11.0" }], {}, context);
  return components.get("matchbox")!.path;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
