import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { run, start } from "../../../src/base/run.js";
import { Scope } from "../../../src/base/scope.js";
import type { StartProgram } from "../netboot-lab.js";

type Process = ReturnType<typeof start>;

/**
 * A network of test machines: a bridge, on which the servers have an address and each machine a tap, as hardware has a network
 * card. Programs that run there end with it, and with the test.
 */
export class LabNetwork implements AsyncDisposable {
  readonly bridge: string;
  /** The servers' own. */
  readonly address: string;
  /** Undefined: the host's own network. */
  readonly #namespace: string | undefined;
  readonly #scope = new Scope();
  #taps = 0;
  #hosts = 0;
  /** Of hosts, by address. */
  readonly #links = new Map<string, string>();

  private constructor(bridge: string, address: string, namespace?: string) {
    this.bridge = bridge;
    this.address = address;
    this.#namespace = namespace;
  }

  /** A network in a namespace of its own. */
  static async create(): Promise<LabNetwork> {
    const name = `slipway-lab-${randomBytes(3).toString("hex")}`;
    const network = new LabNetwork("br0", "10.88.0.1", name);
    await run("ip", ["netns", "add", name]);
    network.#scope.defer(async () => void (await run("ip", ["netns", "delete", name])));
    await network.ip("link", "set", "lo", "up");
    await network.ip("link", "add", network.bridge, "type", "bridge");
    await network.ip("address", "add", `${network.address}/24`, "dev", network.bridge);
    await network.ip("link", "set", network.bridge, "up");
    return network;
  }

  /** The network of a cluster of this host. @param nodeAddress of a node that runs */
  static async ofCluster(nodeAddress: string): Promise<LabNetwork> {
    const { stdout } = await run("ip", ["-json", "route", "get", nodeAddress]);
    const [{ dev, prefsrc }] = JSON.parse(stdout) as [{ dev: string; prefsrc: string }];
    return new LabNetwork(dev, prefsrc);
  }

  /** @param host its last byte */
  addressOf(host: number | string): string {
    return this.address.replace(/\d+$/, String(host));
  }

  /** Where machines reach the server's HTTP. */
  get url(): string {
    return `http://${this.address}:8080`;
  }

  /** As `networks` of lab.yaml has it. @param leases the last byte of the first and the last address */
  inLab(mode: "dhcp" | "proxy", leases: readonly [number, number] = [50, 99]) {
    return {
      interface: this.bridge,
      address: this.address,
      subnet: this.addressOf("0/24"),
      mode,
      ...(mode === "dhcp" ? { range: leases.map((last) => this.addressOf(last)).join("-") } : {}),
    };
  }

  /**
   * Another host on the network, with a namespace, an interface `eth0` and an address of its own; it may be on another bridge.
   *
   * @returns its namespace
   */
  async addHost(address: string, bridge = this.bridge): Promise<string> {
    this.#hosts += 1;
    const number = this.#hosts;
    const link = `host${number}`;
    this.#links.set(address, link);
    const name = `${this.#namespace}-${number}`;
    await run("ip", ["netns", "add", name]);
    this.#scope.defer(async () => void (await run("ip", ["netns", "delete", name])));
    await this.ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name);
    await this.ip("link", "set", link, "master", bridge, "up");
    await run("ip", ["-netns", name, "address", "add", `${address}/24`, "dev", "eth0"]);
    await run("ip", ["-netns", name, "link", "set", "eth0", "up"]);
    return name;
  }

  /** Takes the address off the network again. */
  async removeHost(address: string): Promise<void> {
    await this.ip("link", "delete", this.#links.get(address) ?? address);
  }

  /** Runs ip(8) there. */
  async ip(...args: string[]): Promise<string> {
    const where = this.#namespace === undefined ? [] : ["-netns", this.#namespace];
    return (await run("ip", [...where, ...args])).stdout;
  }

  /** Runs a program in the namespace, to its end. @returns what it says */
  async exec(program: string, ...args: string[]): Promise<string> {
    const [file, ...rest] =
      this.#namespace === undefined
        ? [program, ...args]
        : ["ip", "netns", "exec", this.#namespace, program, ...args];
    return (await run(file!, rest)).stdout;
  }

  /** A tap on the bridge. @returns its name */
  async addTap(): Promise<string> {
    this.#taps += 1;
    const name = `slipway-qemu${this.#taps}`;
    await this.ip("tuntap", "add", name, "mode", "tap");
    this.#scope.defer(() => this.ip("link", "delete", name));
    await this.ip("link", "set", name, "master", this.bridge, "up");
    return name;
  }

  /** Starts a program there, or on another host; the caller may end it before the network ends. */
  start(
    program: string,
    args: readonly string[],
    {
      env = {},
      host = this.#namespace,
      stdin = "ignore",
    }: { env?: Record<string, string>; host?: string | undefined; stdin?: "pipe" | "ignore" } = {},
  ): Process {
    // ip replaces itself by the program, which thereby has the process's id; it dies even if the test is killed.
    const inside = host === undefined ? [program, ...args] : ["ip", "netns", "exec", host, program, ...args];
    const started = start("setpriv", ["--pdeathsig=KILL", ...inside], {
      env,
      stdio: [stdin, "pipe", "pipe"],
    });
    this.#scope.defer(async () => {
      started.kill("SIGTERM");
      await started;
    });
    return started;
  }

  /** `start`, to hand on. */
  readonly startProgram: StartProgram = (program, args) => this.start(program, args);

  /** A DHCP server that knows nothing of booting. @param address of the host that it is on; undefined: the servers' own */
  async startDnsmasq(scratch: string, address?: string): Promise<void> {
    const host = address === undefined ? undefined : await this.addHost(address);
    this.start(
      "dnsmasq",
      [
        ...["--keep-in-foreground", "--port=0", "--user=root", "--conf-file=/dev/null"],
        `--interface=${host === undefined ? this.bridge : "eth0"}`,
        `--dhcp-leasefile=${join(scratch, "leases")}`,
        `--dhcp-range=${this.addressOf(50)},${this.addressOf(99)}`,
      ],
      { host },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }
}
