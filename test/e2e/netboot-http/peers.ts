import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../../../src/base/clock.js";
import { discardEvents } from "../../../src/base/events.js";
import { resolvePaths } from "../../../src/base/paths.js";
import { ensureComponents } from "../../../src/components/ensure.js";

/** Path of the real matchbox, or of its client, from the store; building them takes a minute or two. */
export async function peerProgram(name: "matchbox" | "bootcmd"): Promise<string> {
  const context = {
    paths: resolvePaths(process.env, homedir()),
    events: discardEvents,
    signal: new AbortController().signal,
    clock: systemClock,
  };
  const components = await ensureComponents([{ name, version: "v0.11.0" }], {}, context);
  return components.get(name)!.path;
}

/** The real matchbox on a port of 127.0.0.1. @param args its flags but `-address` */
export class RealMatchbox implements AsyncDisposable {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  static async start(args: readonly string[]): Promise<RealMatchbox> {
    const program = await peerProgram("matchbox");
    const port = await freePort();
    const child = spawn(program, [`-address=127.0.0.1:${port}`, "-log-level=fatal", ...args], {
      stdio: "ignore",
    });
    for (let tries = 0; ; tries++) {
      const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
      if (answer?.ok) return new RealMatchbox(child, port);
      if (tries > 200 || child.exitCode !== null) throw new Error("matchbox does not answer");
      await delay(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.kill();
    await once(this.#process, "exit");
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
