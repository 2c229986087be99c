import { waitFor } from "../../base/condition.js";
import { isSlipwayError, SlipwayError } from "../../base/errors.js";
import { readTextIfPresent, writeFileAtomic } from "../../base/files.js";
import { Scope } from "../../base/scope.js";
import type { DriverContext, Machine } from "../driver.js";
import { bundleConfig } from "./bundle.js";
import { type FoundMachine, refreshFiles, requireMachine, type Sandbox, toMachine } from "./context.js";
import { readHostFacts } from "./host-facts.js";
import { clusterLayout, type MachineLayout } from "./layout.js";
import { connect, disconnect, removePodRoute } from "./link.js";
import { ensureNetwork } from "./network.js";
import { checkPorts } from "./ports.js";
import { identify, processEnded, takesSignal } from "./process.js";
import type { MachineRecord } from "./record.js";
import { checkLayers, createContainer } from "./root.js";
import { haltSignal } from "./runc.js";

const killTimeoutMs = 10_000;

/** Starts a stopped machine, resumes a paused one. Makes anew what a reboot of the host took of its network. */
export async function startMachine(
  sandbox: Sandbox,
  cluster: string,
  name: string,
  context: DriverContext = {},
): Promise<Machine> {
  const options = context.signal ? { signal: context.signal } : {};
  const found = await requireMachine(sandbox, cluster, name);
  const { record, layout, id } = found;
  checkOwner(found);
  if (found.runc?.status === "running") return toMachine(cluster, name, found);
  if (found.runc?.status === "paused") {
    await sandbox.runc.resume(id, options);
    return toMachine(cluster, name, { record, runc: { ...found.runc, status: "running" } });
  }
  await Promise.all([checkLayers(record.layers), checkPorts(sandbox, record, record.ports)]);
  await sandbox.runc.forget(id, options);
  await Promise.all([refreshBundle(sandbox, layout, record), refreshFiles(sandbox, cluster)]);

  await using undo = new Scope();
  undo.defer(async () => {
    await sandbox.runc.forget(id);
    await disconnect(cluster, name);
  });
  const create = () => createContainer(sandbox.runc, id, layout, record.layers, options);
  const [live, pid] = await bothOrFirstError(
    sandbox.exclusively(cluster, () => ensureNetwork(record.network, options)),
    create().catch(async (error: unknown) => {
      if (!isSlipwayError(error, "MACHINE_FAILED")) throw error;
      // The runc of a start that was killed a moment ago may have been at it still, and left something since.
      await sandbox.runc.forget(id, options);
      return create();
    }),
  );
  await connect(record, pid, live, options);
  await sandbox.runc.start(id, options);
  undo.keep();
  return toMachine(cluster, name, { record, runc: { id, pid, status: "running", bundle: layout.directory } });
}

/** Asks init to shut the machine down in order; after `graceMs` the kernel ends all its processes at once. */
export async function stopMachine(
  sandbox: Sandbox,
  cluster: string,
  name: string,
  { graceMs = 10_000 }: { graceMs?: number } = {},
  context: DriverContext = {},
): Promise<void> {
  const options = context.signal ? { signal: context.signal } : {};
  const found = await requireMachine(sandbox, cluster, name);
  checkOwner(found);
  await endProcesses(sandbox, found, graceMs, context);
  await sandbox.runc.forget(found.id, options);
  await Promise.all([
    disconnect(cluster, name, options),
    ...(found.record.podCidr === undefined ? [] : [removePodRoute(cluster, found.record.podCidr, options)]),
  ]);
}

/** @param graceMs 0: at once */
export async function endProcesses(
  sandbox: Sandbox,
  { runc: state, id }: Pick<FoundMachine, "runc" | "id">,
  graceMs: number,
  context: DriverContext,
): Promise<void> {
  const options = context.signal ? { signal: context.signal } : {};
  const init = state && (await identify(state.pid));
  if (!state || !init) return;
  const waitOptions = { intervalMs: 10, ...options };
  // A frozen process gets no signals.
  if (state.status === "paused") await sandbox.runc.resume(id, options);
  if (graceMs > 0 && state.status !== "created") {
    try {
      await waitFor(takesSignal(`machine ${id}`, haltSignal), init, { timeoutMs: graceMs, ...waitOptions });
      await sandbox.runc.kill(id, haltSignal, options);
      return await waitFor(processEnded(`machine ${id}`), init, { timeoutMs: graceMs, ...waitOptions });
    } catch (error) {
      if (!isSlipwayError(error, "TIMED_OUT")) throw error;
      context.events?.({
        type: "warning",
        message: `${id} did not shut down within ${graceMs / 1000} s and was switched off`,
      });
    }
  }
  await sandbox.runc.kill(id, "KILL", options);
  await waitFor(processEnded(`machine ${id}`), init, {
    timeoutMs: killTimeoutMs,
    code: "MACHINE_FAILED",
    hint: "a process hangs in the kernel; see: ps -eo pid,stat,wchan,comm | grep ' D'",
    ...waitOptions,
  });
}

export async function setPaused(
  sandbox: Sandbox,
  cluster: string,
  name: string,
  paused: boolean,
  context: DriverContext = {},
): Promise<void> {
  const options = context.signal ? { signal: context.signal } : {};
  const found = await requireMachine(sandbox, cluster, name);
  checkOwner(found);
  const status = found.runc?.status;
  if (status !== "running" && status !== "paused") throw notRunning(name);
  if (status === (paused ? "paused" : "running")) return;
  await (paused ? sandbox.runc.pause(found.id, options) : sandbox.runc.resume(found.id, options));
}

export async function weighMachine(
  sandbox: Sandbox,
  cluster: string,
  name: string,
  weight: number,
  { signal }: DriverContext = {},
): Promise<void> {
  const found = await requireMachine(sandbox, cluster, name);
  checkOwner(found);
  if (found.runc?.status !== "running" && found.runc?.status !== "paused") throw notRunning(name);
  await sandbox.runc.weigh(found.id, weight, signal ? { signal } : {});
}

export const notRunning = (name: string): SlipwayError =>
  new SlipwayError("MACHINE_NOT_RUNNING", `the machine ${name} is not running`, {
    hint: "start it first: slipway start",
  });

/** runc's names are the host's: another state directory may hold a cluster of the same name. */
export function checkOwner({ runc, layout, id }: Pick<FoundMachine, "runc" | "layout" | "id">): void {
  if (!runc || runc.bundle === layout.directory) return;
  throw new SlipwayError("MACHINE_EXISTS", `a machine ${id} of another state directory is there`, {
    hint: "delete that cluster, or choose another profile name",
    details: { found: runc.bundle, wanted: layout.directory },
  });
}

/** The bundle follows from its own annotations and from the host, which may have changed since. */
async function refreshBundle(sandbox: Sandbox, layout: MachineLayout, record: MachineRecord): Promise<void> {
  const cluster = clusterLayout(sandbox.stateDirectory, record.cluster);
  const wanted = `${JSON.stringify(bundleConfig(record, layout, cluster, await readHostFacts()), null, 2)}\n`;
  if ((await readTextIfPresent(layout.config)) === wanted) return;
  await writeFileAtomic(layout.config, wanted, { mode: 0o600 });
}

/** Waits for both even when one fails, so that what is undone afterwards is not still being made. */
async function bothOrFirstError<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([a, b]);
  if (first.status === "rejected") throw first.reason;
  if (second.status === "rejected") throw second.reason;
  return [first.value, second.value];
}
