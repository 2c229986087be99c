import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.js";
import { discardEvents } from "../../src/base/events.js";
import { resolvePaths } from "../../src/base/paths.js";
import { type RunResult, run, start } from "../../src/base/run.js";
import type { MachineStatus } from "../../src/netboot/admin/machines.js";
import { loadBootFiles } from "../../src/netboot/boot-files/ipxe.js";
import type { Observation } from "../../src/netboot/observation.js";
import type { Timeline } from "../../src/netboot/timeline/timeline.js";
import { slipwayProgram } from "./harness.js";

type Process = ReturnType<typeof start>;

/** iPXE's builds by name, as the server has them; from then on they are in the store, also for networks that reach nothing. */
export async function realBootFiles(): Promise<ReadonlyMap<string, Buffer>> {
  const context = {
    paths: resolvePaths(process.env, homedir()),
    events: discardEvents,
    signal: new AbortController().signal,
    clock: systemClock,
  };
  return new Map([...(await loadBootFiles({}, context))].map(([name, { bytes }]) => [name, bytes]));
}

/** Starts a program somewhere: on this host, or in a network of test machines. */
export type StartProgram = (program: string, args: readonly string[]) => Process;

const startHere: StartProgram = (program, args) => start("setpriv", ["--pdeathsig=KILL", program, ...args]);

export interface ServeOptions {
  /** @default on this host */
  startProgram?: StartProgram;
  /** Instead of the lab's own. */
  at?: { address: string; port: number };
}

/** A lab in a directory of its own, and the state of its server beside it. */
export class Lab implements AsyncDisposable {
  readonly directory: string;
  readonly #base: string;

  private constructor(base: string) {
    this.#base = base;
    this.directory = join(base, "lab");
  }

  /** @param lab as `write` */
  static async create(lab?: string | object): Promise<Lab> {
    const made = new Lab(await mkdtemp(join(tmpdir(), "slipway-lab-")));
    await mkdir(join(made.directory, "assets"), { recursive: true });
    if (lab !== undefined) await made.write(lab);
    return made;
  }

  get state(): string {
    return join(this.#base, "state");
  }

  get assets(): string {
    return join(this.directory, "assets");
  }

  /** Writes lab.yaml. @param lab its YAML or its fields, without `apiVersion` and `kind` */
  async write(lab: string | object): Promise<void> {
    const kind = { apiVersion: "slipway.dev/v1alpha1", kind: "Lab" };
    const text =
      typeof lab === "string"
        ? `apiVersion: ${kind.apiVersion}\nkind: ${kind.kind}\n${lab}`
        : JSON.stringify({ ...kind, ...lab }, undefined, 2);
    await writeFile(join(this.directory, "lab.yaml"), text);
  }

  /** Runs a command about the lab's machines. */
  slipway(...args: string[]): Promise<RunResult> {
    const at = ["--lab", this.directory, "--state", this.state];
    return run(process.execPath, [slipwayProgram, "netboot", ...args, ...at], { env: { NO_COLOR: "1" } });
  }

  /** What `netboot show` says of a machine. */
  async show(machine: string, ...args: string[]): Promise<MachineStatus & { timeline: Timeline | null }> {
    return JSON.parse((await this.slipway("show", machine, ...args, "-o", "json")).stdout);
  }

  /** `slipway netboot serve`, when it serves. */
  async serve({ startProgram = startHere, at }: ServeOptions = {}): Promise<Serving> {
    const process_ = startProgram(process.execPath, [
      slipwayProgram,
      ...["netboot", "serve", this.directory, "--state", this.state, "--output", "json"],
      ...(at ? ["--address", at.address, "--port", String(at.port)] : []),
    ]);
    const serving = new Serving(process_);
    await serving.ready;
    return serving;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#base, { recursive: true, force: true });
  }
}

/** A server that runs. */
export class Serving implements AsyncDisposable {
  /** All that it says it saw. */
  readonly seen: Observation[] = [];
  readonly ready: Promise<void>;
  readonly #process: Process;
  #log = "";
  #ended = false;

  constructor(process_: Process) {
    this.#process = process_;
    this.ready = new Promise((resolve, reject) => {
      const take = (line: string) => {
        this.#log += `${line}\n`;
        if (line.includes("is served at")) resolve();
        const said = line.startsWith("{") ? (JSON.parse(line) as Partial<Observation>) : {};
        if (said.stage && said.what) this.seen.push(said as Observation);
      };
      for (const stream of [process_.stdout, process_.stderr]) forEachLine(stream, take);
      process_.then(() => {
        this.#ended = true;
        reject(new Error(`the server ended: ${this.#log}`));
      }, reject);
    });
    this.ready.catch(() => {});
  }

  /** All that it said. */
  get log(): string {
    return this.#log;
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.#process.kill(signal);
    await this.#process;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.end("SIGTERM");
  }
}

function forEachLine(stream: NodeJS.ReadableStream | null, take: (line: string) => void): void {
  let rest = "";
  stream?.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  });
}
