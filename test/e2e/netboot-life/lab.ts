import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../../src/base/run.js";
import { slipwayProgram } from "../harness.js";

/** A link of this machine alone: requests to its address come from it, and from no machine that a lease names. */
export async function ownLink(address: string): Promise<AsyncDisposable> {
  const name = `slipway-lf${process.pid % 100_000}`.slice(0, 14);
  await run("ip", ["link", "add", name, "type", "veth", "peer", "name", `${name}p`]);
  await run("ip", ["address", "add", `${address}/24`, "dev", name]);
  await run("ip", ["link", "set", name, "up"]);
  return {
    async [Symbol.asyncDispose]() {
      await run("ip", ["link", "delete", name]);
    },
  };
}

/** A lab in a directory of its own, and the state of its server beside it. */
export class Lab implements AsyncDisposable {
  readonly directory: string;
  readonly state: string;
  readonly #base: string;

  private constructor(base: string) {
    this.#base = base;
    this.directory = join(base, "lab");
    this.state = join(base, "state");
  }

  static async create(yaml: string): Promise<Lab> {
    const lab = new Lab(await mkdtemp(join(tmpdir(), "slipway-life-")));
    await run("mkdir", [lab.directory]);
    await writeFile(join(lab.directory, "lab.yaml"), `apiVersion: slipway.dev/v1alpha1\nkind: Lab\n${yaml}`);
    return lab;
  }

  slipway(...args: string[]) {
    const at = ["--lab", this.directory, "--state", this.state];
    return run(process.execPath, [slipwayProgram, "netboot", ...args, ...at], { env: { NO_COLOR: "1" } });
  }

  async serve(address: string, port: number): Promise<Serving> {
    const at = ["--state", this.state, "--address", address, "--port", String(port)];
    const child = spawn(process.execPath, [slipwayProgram, "netboot", "serve", this.directory, ...at], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const serving = new Serving(child, `http://${address}:${port}`);
    await serving.ready();
    return serving;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#base, { recursive: true, force: true });
  }
}

/** A server that runs. */
export class Serving implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  #said = "";

  constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
    this.#exit = once(child, "exit");
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#said += text;
    });
  }

  async ready(): Promise<void> {
    const until = performance.now() + 30_000;
    while (performance.now() < until && this.#child.exitCode === null) {
      const up = await fetch(`${this.url}/healthz`).catch(() => undefined);
      if (up?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the server did not come up: ${this.#said}`);
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.#child.kill(signal);
    await this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.end("SIGTERM");
  }
}
