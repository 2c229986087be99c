import { isAbsolute } from "node:path";
import { SlipwayError } from "../../base/errors.js";
import { run } from "../../base/run.js";
import { applyIgnition } from "../../ignition/apply/apply.js";
import type { DriverContext, Machine, MachineDriver } from "../driver.js";
import { configureMachine } from "./configure.js";
import {
  clusterNames,
  findMachine,
  machineNames,
  readRecord,
  refreshFiles,
  type Sandbox,
  toMachine,
} from "./context.js";
import { copyIn, copyOut } from "./copy.js";
import { createMachine } from "./create.js";
import { deleteClusterNetwork, deleteMachine } from "./delete.js";
import { execInMachine, execInteractive } from "./exec.js";
import { machineLayout } from "./layout.js";
import { setPaused, startMachine, stopMachine, weighMachine } from "./lifecycle.js";
import { checkClusterName, checkNames, containerId } from "./names.js";
import { ensureNetwork } from "./network.js";
import { publishPorts } from "./ports.js";
import { preflight } from "./preflight/preflight.js";
import { Runc } from "./runc.js";

export interface SandboxOptions {
  /** Absolute; machines live in `<cluster>/machines/<name>` below it, and the driver owns all of it. */
  stateDirectory: string;
  /** Where runc keeps what runs; gone after a reboot. @default "/run/slipway" */
  runcRoot?: string;
  /** The runc program. @default "runc" */
  runc?: string;
  /** Writes a config into a root. @default `applyIgnition`, with units enabled by links: a machine has no first boot */
  applyConfig?: Sandbox["applyConfig"];
  /** Makes the (empty) directory `to` a copy of the tree `from`. @default by cp, with reflinks where the disk can */
  seedVolume?: Sandbox["seedVolume"];
}

/** Machines that are OCI bundles, run by runc on this host: the default on Linux. */
export function createSandboxDriver(options: SandboxOptions): MachineDriver {
  if (!isAbsolute(options.stateDirectory)) {
    throw new SlipwayError("INTERNAL", `the state directory ${options.stateDirectory} is not absolute`);
  }
  const sandbox: Sandbox = {
    stateDirectory: options.stateDirectory,
    runc: new Runc(options.runc ?? "runc", options.runcRoot ?? "/run/slipway"),
    applyConfig: options.applyConfig ?? applyWithLinks,
    seedVolume: options.seedVolume ?? copyTree,
    exclusively: oneAtATime(),
  };
  return {
    name: "sandbox",
    preflight: (request) => preflight(sandbox, request),
    async ensureNetwork(network, context = {}) {
      checkClusterName(network.cluster);
      await sandbox.exclusively(network.cluster, () => ensureNetwork(network, signalOf(context)));
      await refreshFiles(sandbox, network.cluster);
    },
    deleteNetwork: (cluster, context) => deleteClusterNetwork(sandbox, cluster, context),
    create: (spec, context) => createMachine(sandbox, spec, context),
    configure: (spec, context) => configureMachine(sandbox, spec, context),
    start: (cluster, name, context) => startMachine(sandbox, cluster, name, context),
    stop: (cluster, name, stopOptions, context) => stopMachine(sandbox, cluster, name, stopOptions, context),
    pause: (cluster, name, context) => setPaused(sandbox, cluster, name, true, context),
    resume: (cluster, name, context) => setPaused(sandbox, cluster, name, false, context),
    weigh: (cluster, name, weight, context) => weighMachine(sandbox, cluster, name, weight, context),
    delete: (cluster, name, context) => deleteMachine(sandbox, cluster, name, context),
    exec: (cluster, name, command, execOptions) =>
      execInMachine(sandbox, cluster, name, command, execOptions),
    execInteractive: (cluster, name, command, execOptions) =>
      execInteractive(sandbox, cluster, name, command, execOptions),
    copyIn: (cluster, name, hostPath, nodePath, context) =>
      copyIn(sandbox, cluster, name, hostPath, nodePath, context),
    copyOut: (cluster, name, nodePath, hostPath, context) =>
      copyOut(sandbox, cluster, name, nodePath, hostPath, context),
    publishPorts: (cluster, name, ports, context) => publishPorts(sandbox, cluster, name, ports, context),
    async inspect(cluster, name) {
      checkNames(cluster, name);
      const found = await findMachine(sandbox, cluster, name);
      return found && toMachine(cluster, name, found);
    },
    list: (cluster) => listMachines(sandbox, cluster),
  };
}

async function listMachines(sandbox: Sandbox, only?: string): Promise<Machine[]> {
  if (only !== undefined) checkClusterName(only);
  const clusters = only === undefined ? await clusterNames(sandbox) : [only];
  const states = await sandbox.runc.list();
  const machines = await Promise.all(
    clusters.map(async (cluster) =>
      Promise.all(
        (await machineNames(sandbox, cluster)).map(async (name) => {
          const layout = machineLayout(sandbox.stateDirectory, cluster, name);
          const id = containerId(cluster, name);
          const runc = states.find((state) => state.id === id && state.bundle === layout.directory);
          return toMachine(cluster, name, { record: await readRecord(layout), runc });
        }),
      ),
    ),
  );
  return machines.flat();
}

const applyWithLinks: Sandbox["applyConfig"] = (config, root, context) =>
  applyIgnition(config, root, { now: new Date(), enableUnits: "symlinks", ...signalOf(context) });

async function copyTree(from: string, to: string, { signal }: DriverContext): Promise<void> {
  await run("cp", ["-a", "--reflink=auto", "--", `${from}/.`, to], signal ? { signal } : {});
}

/** For each key one thing after the other, in the order of asking. */
function oneAtATime(): Sandbox["exclusively"] {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const mine = (last.get(key) ?? Promise.resolve()).then(work, work);
    last.set(key, mine);
    return mine;
  };
}

const signalOf = ({ signal }: DriverContext): { signal?: AbortSignal } => (signal ? { signal } : {});
