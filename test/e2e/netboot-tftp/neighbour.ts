import { type RunOptions, type RunResult, run } from "../../../src/base/run.js";

/** A neighbour of this machine: a network namespace at the other end of a veth pair, on which nothing else is. */
export class Neighbour implements AsyncDisposable {
  readonly #name: string;
  /** Ours, to serve on (RFC 2544 addresses). */
  readonly address: string;
  readonly neighbourAddress: string;

  private constructor(name: string, subnet: number) {
    this.#name = name;
    this.address = `198.18.${subnet}.1`;
    this.neighbourAddress = `198.18.${subnet}.2`;
  }

  /** @param name at most 6 characters: interfaces are named after it */
  static async create(name: string, subnet: number): Promise<Neighbour> {
    const neighbour = new Neighbour(`slipway-${name}`, subnet);
    const link = `slipway-${name}`;
    await run("ip", ["-batch", "-"], {
      input: `netns add ${link}
link add ${link} type veth peer name eth0 netns ${link}
address add ${neighbour.address}/24 dev ${link}
link set ${link} up
`,
    });
    for (const command of [
      `address add ${neighbour.neighbourAddress}/24 dev eth0`,
      "link set eth0 up",
      "link set lo up",
    ]) {
      await run("ip", ["-n", link, ...command.split(" ")]);
    }
    return neighbour;
  }

  /** Runs a program there; what it gives back is for the test to judge. */
  run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run("nsenter", [`--net=/run/netns/${this.#name}`, file, ...args], {
      timeoutMs: 60_000,
      allowFailure: true,
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("ip", ["link", "delete", this.#name], { allowFailure: true });
    await run("ip", ["netns", "delete", this.#name], { allowFailure: true });
  }
}
