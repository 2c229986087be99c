import { type RunOptions, type RunResult, run } from "../base/run.js";
import type { MachineDriver } from "../machines/driver.js";
import { places } from "../plan/places.js";

/** A control-plane node, as something on which programs can be run as root: a machine of ours, or the one we are on. */
export interface ControlPlaneHost {
  /** For the reader. */
  name: string;
  /** Where its kubelet looks for static pods. */
  manifests: string;
  exec(command: string[], options?: RunOptions): Promise<RunResult>;
}

export const machineHost = (driver: MachineDriver, cluster: string, name: string): ControlPlaneHost => ({
  name,
  manifests: places.manifests,
  exec: (command, options) => driver.exec(cluster, name, command, options),
});

export const thisHost = (manifests: string = places.manifests): ControlPlaneHost => ({
  name: "this machine",
  manifests,
  exec: ([program, ...args], options) => run(program!, args, options),
});
