import { lstat, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, posix } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { SlipwayError } from "../../base/errors.js";
import type { RunOptions, RunResult } from "../../base/run.js";
import { contains } from "../../net/cidr.js";
import type {
  Check,
  ClusterNetwork,
  Machine,
  MachineDriver,
  MachineSpec,
  MachineState,
  PublishedPort,
} from "../driver.js";

export type FakeVerb = Exclude<keyof MachineDriver, "name">;

export interface FakeOptions {
  /** Called before each verb does its work; what it throws, the verb throws. For tests of what happens when one fails. */
  before?: (verb: FakeVerb, cluster: string, name: string) => void | Promise<void>;
  /** Answers commands; a machine in memory has no programs. @default exit code 0 and no output */
  exec?: (
    machine: Machine,
    command: readonly string[],
    options: RunOptions,
  ) => RunResult | Promise<RunResult>;
  /** What preflight finds. @default one check, ok */
  checks?: Check[];
}

interface FakeMachine {
  spec: MachineSpec;
  state: Exclude<MachineState, "broken">;
  pid: number;
  /** Path → contents; undefined: a directory. */
  files: Map<string, Uint8Array | undefined>;
}

/** A driver whose machines are entries in a map, for tests of what is built on drivers. Passes the contract suite. */
export class FakeDriver implements MachineDriver {
  readonly name = "fake";
  readonly networks = new Map<string, ClusterNetwork>();
  readonly #machines = new Map<string, FakeMachine>();
  readonly #options: FakeOptions;
  #nextPid = 1000;

  constructor(options: FakeOptions = {}) {
    this.#options = options;
  }

  async preflight(): Promise<Check[]> {
    await this.#before("preflight");
    return this.#options.checks ?? [{ name: "fake", status: "ok", found: "memory" }];
  }

  async ensureNetwork(network: ClusterNetwork): Promise<void> {
    await this.#before("ensureNetwork", network.cluster);
    const present = this.networks.get(network.cluster);
    if (present && !isDeepStrictEqual(present, network)) {
      throw new SlipwayError("NETWORK_CONFLICT", `cluster ${network.cluster} has another network`);
    }
    this.networks.set(network.cluster, network);
  }

  async deleteNetwork(cluster: string): Promise<void> {
    await this.#before("deleteNetwork", cluster);
    this.networks.delete(cluster);
  }

  async create(spec: MachineSpec, context: { signal?: AbortSignal } = {}): Promise<Machine> {
    await this.#before("create", spec.cluster, spec.name);
    checkName(spec.cluster);
    checkName(spec.name);
    context.signal?.throwIfAborted();
    const present = this.#machines.get(key(spec.cluster, spec.name));
    if (present) {
      const fixed = ({ role, address, podCidr, layers }: MachineSpec) => [role, address, podCidr, layers];
      if (isDeepStrictEqual(fixed(present.spec), fixed(spec))) return view(present);
      throw new SlipwayError("MACHINE_EXISTS", `another machine ${spec.name} exists`);
    }
    const network = this.networks.get(spec.cluster);
    if (!network) throw new SlipwayError("MACHINE_FAILED", `the network of ${spec.cluster} is not there`);
    if (!contains(network.nodeSubnet, `${spec.address}/32`) || spec.address === network.gateway) {
      throw new SlipwayError("ADDRESS_INVALID", `${spec.name} cannot have the address ${spec.address}`);
    }
    const machine: FakeMachine = { spec, state: "stopped", pid: 0, files: new Map([["/", undefined]]) };
    this.#machines.set(key(spec.cluster, spec.name), machine);
    return view(machine);
  }

  async configure(spec: MachineSpec): Promise<void> {
    const machine = await this.#require("configure", spec.cluster, spec.name);
    const fixed = ({ role, address, podCidr }: MachineSpec) => [role, address, podCidr];
    if (!isDeepStrictEqual(fixed(machine.spec), fixed(spec))) {
      throw new SlipwayError("MACHINE_EXISTS", `another machine ${spec.name} exists`);
    }
    const { config } = spec;
    machine.spec =
      machine.state === "stopped" ? { ...spec, volumes: machine.spec.volumes } : { ...machine.spec, config };
  }

  async start(cluster: string, name: string): Promise<Machine> {
    const machine = await this.#require("start", cluster, name);
    if (machine.state === "stopped") {
      this.#checkPorts(machine, machine.spec.ports);
      machine.pid = this.#nextPid++;
    }
    machine.state = "running";
    return view(machine);
  }

  async stop(cluster: string, name: string): Promise<void> {
    (await this.#require("stop", cluster, name)).state = "stopped";
  }

  async pause(cluster: string, name: string): Promise<void> {
    alive(await this.#require("pause", cluster, name)).state = "paused";
  }

  async resume(cluster: string, name: string): Promise<void> {
    alive(await this.#require("resume", cluster, name)).state = "running";
  }

  async weigh(cluster: string, name: string): Promise<void> {
    alive(await this.#require("weigh", cluster, name));
  }

  async delete(cluster: string, name: string): Promise<void> {
    await this.#before("delete", cluster, name);
    this.#machines.delete(key(cluster, name));
  }

  async exec(cluster: string, name: string, command: string[], options: RunOptions = {}): Promise<RunResult> {
    const machine = running(await this.#require("exec", cluster, name));
    const result = (await this.#options.exec?.(view(machine), command, options)) ?? {
      stdout: "",
      stderr: "",
      exitCode: 0,
    };
    if (result.exitCode === 0 || options.allowFailure) return result;
    throw new SlipwayError("PROGRAM_FAILED", `${command[0]} ended with exit code ${result.exitCode}`);
  }

  async execInteractive(cluster: string, name: string, command: string[]): Promise<number> {
    const machine = running(await this.#require("execInteractive", cluster, name));
    return (await this.#options.exec?.(view(machine), command, {}))?.exitCode ?? 0;
  }

  async copyIn(cluster: string, name: string, hostPath: string, nodePath: string): Promise<void> {
    const { files } = running(await this.#require("copyIn", cluster, name));
    const into = files.has(clean(nodePath)) && files.get(clean(nodePath)) === undefined;
    const target =
      into || nodePath.endsWith("/") ? posix.join(nodePath, basename(hostPath)) : clean(nodePath);
    await readTree(hostPath, target, files);
    for (let path = posix.dirname(target); path !== "/"; path = posix.dirname(path))
      files.set(path, undefined);
  }

  async copyOut(cluster: string, name: string, nodePath: string, hostPath: string): Promise<void> {
    const { files } = running(await this.#require("copyOut", cluster, name));
    const source = clean(nodePath);
    if (!files.has(source)) throw new SlipwayError("USAGE", `${name} has no ${nodePath}`);
    const isDirectory = await lstat(hostPath).then(
      (found) => found.isDirectory(),
      () => false,
    );
    const target = isDirectory || hostPath.endsWith("/") ? join(hostPath, posix.basename(source)) : hostPath;
    for (const [path, contents] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (path !== source && !path.startsWith(`${source}/`)) continue;
      const at = target + path.slice(source.length);
      await mkdir(contents === undefined ? at : dirname(at), { recursive: true });
      if (contents !== undefined) await writeFile(at, contents);
    }
  }

  async publishPorts(cluster: string, name: string, ports: PublishedPort[]): Promise<void> {
    const machine = await this.#require("publishPorts", cluster, name);
    this.#checkPorts(machine, ports);
    machine.spec = { ...machine.spec, ports };
  }

  async inspect(cluster: string, name: string): Promise<Machine | undefined> {
    await this.#before("inspect", cluster, name);
    const machine = this.#machines.get(key(cluster, name));
    return machine && view(machine);
  }

  async list(cluster?: string): Promise<Machine[]> {
    await this.#before("list", cluster);
    return [...this.#machines.values()]
      .map(view)
      .filter((machine) => cluster === undefined || machine.cluster === cluster)
      .sort((a, b) => (key(a.cluster, a.name) < key(b.cluster, b.name) ? -1 : 1));
  }

  async #before(verb: FakeVerb, cluster = "", name = ""): Promise<void> {
    await this.#options.before?.(verb, cluster, name);
  }

  async #require(verb: FakeVerb, cluster: string, name: string): Promise<FakeMachine> {
    await this.#before(verb, cluster, name);
    const machine = this.#machines.get(key(cluster, name));
    if (machine) return machine;
    throw new SlipwayError("MACHINE_NOT_FOUND", `there is no machine ${name} in cluster ${cluster}`);
  }

  #checkPorts(self: FakeMachine, ports: readonly PublishedPort[]): void {
    for (const other of this.#machines.values()) {
      if (other === self || other.state === "stopped") continue;
      const clash = other.spec.ports.find((theirs) =>
        ports.some((port) => port.hostPort === theirs.hostPort && port.protocol === theirs.protocol),
      );
      if (clash) {
        throw new SlipwayError(
          "PORT_IN_USE",
          `port ${clash.hostPort} is taken by machine ${other.spec.name}`,
        );
      }
    }
  }
}

const key = (cluster: string, name: string): string => `${cluster}\0${name}`;

const clean = (path: string): string => posix.normalize(path).replace(/(.)\/$/, "$1");

const view = ({ spec: { cluster, name, role, address }, state, pid }: FakeMachine): Machine => ({
  cluster,
  name,
  role,
  address,
  state,
  ...(state === "stopped" ? {} : { pid }),
});

function alive(machine: FakeMachine): FakeMachine {
  if (machine.state !== "stopped") return machine;
  throw new SlipwayError("MACHINE_NOT_RUNNING", `the machine ${machine.spec.name} is not running`);
}

function running(machine: FakeMachine): FakeMachine {
  if (machine.state === "running") return machine;
  throw new SlipwayError("MACHINE_NOT_RUNNING", `the machine ${machine.spec.name} is not running`);
}

function checkName(name: string): void {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) return;
  throw new SlipwayError("CONFIG_INVALID", `${JSON.stringify(name)} cannot be a name`);
}

async function readTree(hostPath: string, target: string, files: FakeMachine["files"]): Promise<void> {
  const found = await lstat(hostPath).catch((cause: unknown) => {
    throw new SlipwayError("USAGE", `${hostPath} cannot be read`, { cause });
  });
  if (!found.isDirectory()) {
    files.set(target, await readFile(hostPath));
    return;
  }
  files.set(target, undefined);
  for (const name of await readdir(hostPath)) {
    await readTree(join(hostPath, name), posix.join(target, name), files);
  }
}
