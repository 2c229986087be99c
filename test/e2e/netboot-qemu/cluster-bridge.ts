import { run, start } from "../../../src/base/run.js";
import { Scope } from "../../../src/base/scope.js";

type Process = ReturnType<typeof start>;

/** The network of a cluster of this host, on whose bridge test machines have taps, as hardware has a network card there. */
export class ClusterBridge implements AsyncDisposable {
  readonly bridge: string;
  /** The host's own. */
  readonly address: string;
  readonly #scope = new Scope();
  #taps = 0;

  private constructor(bridge: string, address: string) {
    this.bridge = bridge;
    this.address = address;
  }

  /** @param nodeAddress of a node of the cluster that runs */
  static async of(nodeAddress: string): Promise<ClusterBridge> {
    const { stdout } = await run("ip", ["-json", "route", "get", nodeAddress]);
    const [{ dev, prefsrc }] = JSON.parse(stdout) as [{ dev: string; prefsrc: string }];
    return new ClusterBridge(dev, prefsrc);
  }

  async addTap(): Promise<string> {
    this.#taps += 1;
    const name = `slipway-qemu${this.#taps}`;
    await run("ip", ["tuntap", "add", name, "mode", "tap"]);
    this.#scope.defer(async () => void (await run("ip", ["link", "delete", name])));
    await run("ip", ["link", "set", name, "master", this.bridge, "up"]);
    return name;
  }

  /** Starts a program that ends with the test; the caller may end it before. */
  start(program: string, args: readonly string[]): Process {
    const started = start("setpriv", ["--pdeathsig=KILL", program, ...args]);
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
