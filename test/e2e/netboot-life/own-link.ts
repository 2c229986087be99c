import { run } from "../../../src/base/run.js";

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
