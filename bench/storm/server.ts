import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeOn } from "./namespaces.js";

/** `slipway netboot serve` as anybody runs it, in the server's namespace. */
export class Serving implements AsyncDisposable {
  /** From its start until it said that it serves. */
  readonly loadSeconds: number;
  readonly #child: ChildProcess;
  readonly #heard: Heard;

  private constructor(child: ChildProcess, heard: Heard, loadSeconds: number) {
    this.#child = child;
    this.#heard = heard;
    this.loadSeconds = loadSeconds;
  }

  static async start(directory: string): Promise<Serving> {
    const startedMs = performance.now();
    const args = ["netboot", "serve", join(directory, "lab"), "--state", join(directory, "state")];
    const [file, all] = nodeOn("server", "dist/cli/main.js", args);
    const child = spawn(file, all, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    const heard = new Heard(child);
    await heard.say("is served at");
    return new Serving(child, heard, (performance.now() - startedMs) / 1000);
  }

  /** Until it says that another state of the lab serves. */
  reloaded(): Promise<void> {
    return this.#heard.say("what is new serves");
  }

  /** The most memory that was resident at a time. */
  async peakMiB(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, "utf8");
    return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.kill();
    await exit;
  }
}

/** What a process says on standard error. */
class Heard {
  #text = "";
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#text += text;
    });
  }

  /** Until it has said this, from now on. */
  async say(words: string): Promise<void> {
    while (!this.#text.includes(words)) {
      const ended = once(this.#child, "exit").then(() => {
        throw new Error(`the server ended: ${this.#text}`);
      });
      await Promise.race([once(this.#child.stderr!, "data"), ended]);
    }
    this.#text = "";
  }
}
