import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { type RunResult, run } from "../../../src/base/run.js";
import type { Observation } from "../../../src/netboot/observation.js";
import { slipwayProgram } from "../harness.js";
import { LabNetwork } from "../netboot-qemu/lab-network.js";

/** What udhcpc runs at each event: it takes the address, and nothing else of the host. */
const script = `#!/bin/sh
case $1 in
  deconfig) ip address flush dev "$interface" ;;
  bound | renew)
    ip address replace "$ip/\${mask:-24}" dev "$interface"
    echo "$1 $ip by $serverid boots $boot_file from $siaddr $opt43"
    ;;
esac
`;

/** A lab that `slipway netboot serve` serves in a network of its own. */
export class ServedLab implements AsyncDisposable {
  readonly network: LabNetwork;
  readonly directory: string;
  readonly #scratch: string;
  readonly #lines: string[] = [];

  private constructor(network: LabNetwork, scratch: string) {
    this.network = network;
    this.#scratch = scratch;
    this.directory = join(scratch, "lab");
  }

  static async create(): Promise<ServedLab> {
    const scratch = await mkdtemp(join(tmpdir(), "slipway-serve-"));
    const lab = new ServedLab(await LabNetwork.create(), scratch);
    await mkdir(lab.directory);
    await writeFile(lab.#script, script);
    await chmod(lab.#script, 0o755);
    return lab;
  }

  get #script(): string {
    return join(this.#scratch, "udhcpc.sh");
  }

  /** Writes lab.yaml, without its first two lines. */
  async write(text: string): Promise<void> {
    await writeFile(join(this.directory, "lab.yaml"), `apiVersion: slipway.dev/v1alpha1\nkind: Lab\n${text}`);
  }

  async serve(): Promise<void> {
    const state = join(this.#scratch, "state");
    const args = ["netboot", "serve", this.directory, "--state", state, "--output", "json"];
    const server = this.network.start(process.execPath, [slipwayProgram, ...args]);
    for (const stream of [server.stdout, server.stderr]) {
      let rest = "";
      stream!.on("data", (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split("\n");
        rest = lines.pop() ?? "";
        this.#lines.push(...lines);
      });
    }
    await this.said(/is served at/);
  }

  /** Waits for a line of the server. */
  said(what: RegExp): Promise<string> {
    return vi.waitFor(
      () => {
        const line = this.#lines.find((candidate) => what.test(candidate));
        if (line === undefined)
          throw new Error(`${what} was not said:\n${this.#lines.slice(-20).join("\n")}`);
        return line;
      },
      { timeout: 20_000, interval: 20 },
    );
  }

  observations(): Observation[] {
    return this.#lines.filter((line) => line.startsWith('{"time"')).map((line) => JSON.parse(line));
  }

  /** A program in a host's namespace, to its end. */
  on(host: string, file: string, ...args: string[]): Promise<RunResult> {
    return run("ip", ["netns", "exec", host, file, ...args], { timeoutMs: 30_000, allowFailure: true });
  }

  /** udhcpc until it has a lease, or gives up. @returns what it says */
  async lease(host: string, ...args: string[]): Promise<string> {
    const all = ["-f", "-q", "-n", "-i", "eth0", "-s", this.#script, "-t", "3", "-T", "2", ...args];
    const { stdout, stderr } = await this.on(host, "udhcpc", ...all);
    return stdout + stderr;
  }

  slipway(...args: string[]): Promise<RunResult> {
    return run(process.execPath, [slipwayProgram, ...args, "--state", join(this.#scratch, "state")]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network[Symbol.asyncDispose]();
    await rm(this.#scratch, { recursive: true, force: true });
  }
}
