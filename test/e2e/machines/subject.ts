import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { type ContractSubject, exampleNetwork, exampleSpec } from "../../../src/machines/driver.contract.js";
import { createSandboxDriver, type SandboxOptions } from "../../../src/machines/sandbox/driver.js";
import { nodeRoot } from "./node-root.js";

/** A sandbox driver of its own, in a directory of its own on a real disk. */
export async function sandboxSubject(
  cluster: string,
  third: number,
  options: Partial<SandboxOptions> = {},
): Promise<ContractSubject & { stateDirectory: string }> {
  const root = await nodeRoot();
  // Not /tmp: a tmpfs there would hide what a disk does.
  const stateDirectory = await mkdtemp("/var/lib/slipway-test-");
  return {
    driver: createSandboxDriver({ stateDirectory, ...options }),
    network: exampleNetwork(cluster, third),
    spec: (name, changes) => ({
      ...exampleSpec(cluster, name, [root], changes),
      address: changes?.address ?? `10.79.${third}.${name === "one" ? 11 : 12}`,
    }),
    runsPrograms: true,
    stateDirectory,
    dispose: () => rm(join(stateDirectory), { recursive: true }),
  };
}
