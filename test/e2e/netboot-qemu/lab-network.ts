import { randomBytes } from "node:crypto";
import { run, start } from "../../../src/base/run.js";
import { Scope } from "../../../src/base/scope.js";

type Process = ReturnType<typeof start>;

/**
 * A network of test machines: a namespace with a bridge, whose address the servers have, and a tap for each machine. Programs
 * that run in it end with it, and with the test.
 */
export class LabNetwork implements AsyncDisposable {
  readonly bridge = "br0";
  readonly address = "10.88.0.1";
  readonly subnet = "10.88.0.0/24";
  readonly #namespace: string;
  readonly #scope = new Scope();
  #taps = 0;

  private constructor(namespace: string) {
    this.#namespace = namespace;
  }

  static async create(): Promise<LabNetwork> {
    const network = new LabNetwork(`slipway-lab-${randomBytes(3).toString("hex")}`);
    const name = network.#namespace;
    await run("ip", ["netns", "add", name]);
    network.#scope.defer(async () => void (await run("ip", ["netns", "delete", name])));
    await network.ip("link", "set", "lo", "up");
    await network.ip("link", "add", network.bridge, "type", "bridge");
    await network.ip("address", "add", `${network.address}/24`, "dev", network.bridge);
    await network.ip("link", "set", network.bridge, "up");
    return network;
  }

  /** Another host on the network, with a namespace, an interface `eth0` and an address of its own. @returns its namespace */
  async addHost(address: string): Promise<string> {
    const name = `${this.#namespace}-${address.split(".").at(-1)}`;
    await run("ip", ["netns", "add", name]);
    this.#scope.defer(async () => void (await run("ip", ["netns", "delete", name])));
    const link = `host${address.split(".").at(-1)}`;
    await this.ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name);
    await this.ip("link", "set", link, "master", this.bridge, "up");
    await run("ip", ["-netns", name, "address", "add", `${address}/24`, "dev", "eth0"]);
    await run("ip", ["-netns", name, "link", "set", "eth0", "up"]);
    return name;
  }

  /** Runs ip(8) in the namespace. */
  async ip(...args: string[]): Promise<string> {
    return (await run("ip", ["-netns", this.#namespace, ...args])).stdout;
  }

  /** A tap on the bridge. @returns its name */
  async addTap(): Promise<string> {
    this.#taps += 1;
    const name = `tap${this.#taps}`;
    await this.ip("tuntap", "add", name, "mode", "tap");
    await this.ip("link", "set", name, "master", this.bridge, "up");
    return name;
  }

  /** Starts a program in the namespace, or in another host's; the caller may end it before the network ends. */
  start(
    program: string,
    args: readonly string[],
    { env = {}, host = this.#namespace }: { env?: Record<string, string>; host?: string } = {},
  ): Process {
    // ip replaces itself by the program, which thereby has the process's id; it dies even if the test is killed.
    const inside = ["netns", "exec", host, program, ...args];
    const started = start("setpriv", ["--pdeathsig=KILL", "ip", ...inside], { env });
    this.#scope.defer(async () => {
      started.kill("SIGTERM");
      await started;
    });
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }
}
