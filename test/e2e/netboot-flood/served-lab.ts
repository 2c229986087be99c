import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunOptions, type RunResult, run } from "../../../src/base/run.js";
import { Scope } from "../../../src/base/scope.js";
import { slipwayProgram } from "../harness.js";
import { realBootFiles } from "../netboot-lab.js";
import { LabNetwork } from "../netboot-qemu/lab-network.js";

/** The good client's machine. */
export const node1 = { mac: "52:54:00:00:f0:01", address: "10.88.0.200" };

const files: Record<string, string> = {
  "lab.yaml": JSON.stringify({
    apiVersion: "slipway.dev/v1alpha1",
    kind: "Lab",
    networks: [
      {
        interface: "br0",
        address: "10.88.0.1",
        subnet: "10.88.0.0/24",
        mode: "dhcp",
        range: "10.88.0.50-10.88.0.99",
        domain: "lab.test",
      },
    ],
    dns: { records: { "cluster.test": "10.88.0.2" } },
    machines: [{ name: "node1", ...node1, profile: "worker" }],
    groups: [{ id: "others", profile: "worker" }],
    profiles: [
      {
        id: "worker",
        kernel: "/assets/kernel",
        initrd: ["/assets/initrd"],
        args: ["console=ttyS0"],
        ignition: "worker.bu",
        generic: "generic.tmpl",
        cloud: "cloud.tmpl",
      },
    ],
  }),
  "worker.bu":
    "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/who, contents: {inline: '{{.request.raw_query}}'}}]}\n",
  "generic.tmpl": "{{range $k, $v := .request.query}}{{$k}}={{$v}}\n{{end}}",
  "cloud.tmpl": "#cloud-config\nhostname: '{{.request.raw_query}}'\n",
  "assets/kernel": "kernel".repeat(5000),
  "assets/initrd": "initrd".repeat(5000),
};

/** `slipway netboot serve`, as it is installed, on a network of its own; and hosts on that network. */
export class ServedLab implements AsyncDisposable {
  readonly directory: string;
  readonly #network: LabNetwork;
  readonly #scope: Scope;
  readonly #hosts = new Map<string, string>();
  #process: ReturnType<LabNetwork["start"]> | undefined;

  private constructor(directory: string, network: LabNetwork, scope: Scope) {
    this.directory = directory;
    this.#network = network;
    this.#scope = scope;
  }

  /** @param hosts addresses; the first is the good client's, and has node1's MAC */
  static async create(
    hosts: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): Promise<ServedLab> {
    await realBootFiles(); // what is fetched is there before the server is where nothing can be fetched
    const scope = new Scope();
    try {
      const directory = await mkdtemp(join(tmpdir(), "slipway-flood-"));
      scope.defer(() => rm(directory, { recursive: true, force: true }));
      for (const [path, text] of Object.entries({ ...files, ...more })) {
        await mkdir(join(directory, "lab", path, ".."), { recursive: true });
        await writeFile(join(directory, "lab", path), text);
      }
      await symlink("/etc", join(directory, "lab/assets/link-out"));
      const lab = new ServedLab(directory, scope.use(await LabNetwork.create()), scope);
      for (const address of hosts) lab.#hosts.set(address, await lab.#network.addHost(address));
      const good = lab.#hosts.get(hosts[0]!)!;
      await run("ip", ["-netns", good, "link", "set", "eth0", "address", node1.mac]);
      await lab.serve();
      return lab;
    } catch (error) {
      await scope[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What it says goes to `server.log`. */
  async serve(): Promise<void> {
    const log = join(this.directory, "server.log");
    const args = ["netboot", "serve", join(this.directory, "lab"), "--state", join(this.directory, "state")];
    this.#process = this.#network.start("sh", [
      ...["-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", log],
      ...[process.execPath, slipwayProgram, ...args],
    ]);
    const until = performance.now() + 30_000;
    while (!/is served at/.test(await readFile(log, "utf8").catch(() => ""))) {
      if (performance.now() > until || this.#process.exitCode !== null) {
        throw new Error(`the server did not come up: ${await readFile(log, "utf8")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async kill(): Promise<void> {
    this.#process!.kill("SIGKILL");
    await this.#process;
  }

  /** Runs a program on a host. */
  on(host: string, file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run("ip", ["netns", "exec", this.#hosts.get(host)!, file, ...args], {
      timeoutMs: 200_000,
      ...options,
    });
  }

  /** ip(8) on a host. */
  async ip(host: string, ...args: string[]): Promise<void> {
    await run("ip", ["-netns", this.#hosts.get(host)!, ...args]);
  }

  /** ip(8) where the server is. */
  async serverIp(...args: string[]): Promise<void> {
    await this.#network.ip(...args);
  }

  /** Of the server's process: alive, memory in bytes, open files, processor time. */
  async process(): Promise<{ alive: boolean; rss: number; descriptors: number; cpuSeconds: number }> {
    const { pid, exitCode } = this.#process!;
    if (exitCode !== null) return { alive: false, rss: 0, descriptors: 0, cpuSeconds: 0 };
    // proc(5): utime and stime are fields 14 and 15, in ticks of which a second has 100; the name before them ends with `)`.
    const [utime, stime] = (await readFile(`/proc/${pid}/stat`, "utf8"))
      .split(") ")[1]!
      .split(" ")
      .slice(11, 13);
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    return {
      alive: true,
      rss: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024,
      descriptors: (await readdir(`/proc/${pid}/fd`)).length,
      cpuSeconds: (Number(utime) + Number(stime)) / 100,
    };
  }

  /** `/metrics`, as a host sees it: values by name, with labels as they stand there. */
  async metrics(host: string): Promise<Map<string, number>> {
    const { stdout } = await this.on(host, "curl", [
      "-sf",
      "--max-time",
      "20",
      "http://10.88.0.1:8080/metrics",
    ]);
    return new Map(
      stdout
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"))
        .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}
