import type { Context } from "../base/context.js";
import { type ErrorCode, SlipwayError } from "../base/errors.js";
import type { Check, MachineDriver } from "../machines/driver.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { checkClock } from "./clock-check.js";
import { clusterNetwork } from "./machine-spec.js";

/**
 * Looks whether the host can carry the cluster, before anything is written. Of a cluster that runs only the clock is
 * asked again.
 *
 * @throws {SlipwayError} as `checkClock`; `PREFLIGHT_FAILED` with every failed check and its fix; `PORT_IN_USE` or
 * `NETWORK_CONFLICT` when that is all.
 */
export async function checkHost(spec: ClusterSpec, driver: MachineDriver, context: Context): Promise<void> {
  await checkClock(spec.metadata.name, context);
  const machines = await driver.list(spec.metadata.name);
  if (machines.length === spec.nodes.length && machines.every(({ state }) => state === "running")) return;
  const checks = await driver.preflight(
    {
      network: clusterNetwork(spec),
      ports: spec.ports,
      mounts: spec.mounts,
      memoryBytes: spec.nodes.reduce((sum, { memoryBytes = 0 }) => sum + memoryBytes, 0),
    },
    context,
  );
  for (const { name, found, fix } of checks.filter(({ status }) => status === "warning")) {
    context.events({ type: "warning", message: `${name}: ${found}`, ...(fix ? { hint: fix } : {}) });
  }
  const failed = checks.filter(({ status }) => status === "failed");
  if (failed.length > 0) throw preflightError(failed);
}

function preflightError(failed: Check[]): SlipwayError {
  const [only] = failed;
  const details = Object.fromEntries(
    failed.map(({ name, found, fix }) => [name, fix ? `${found}\n→ ${fix}` : found]),
  );
  return new SlipwayError(codeOf(failed), "this host cannot carry the cluster as it is", {
    details,
    ...(failed.length === 1 && only?.fix
      ? { hint: only.fix }
      : { hint: "nothing was made; mend the above and start again" }),
  });
}

function codeOf(failed: Check[]): ErrorCode {
  if (failed.every(({ name }) => name.startsWith("port-"))) return "PORT_IN_USE";
  if (failed.every(({ name }) => name === "node-subnet" || name === "pod-subnet")) return "NETWORK_CONFLICT";
  return "PREFLIGHT_FAILED";
}
