import type { RunOptions, RunResult } from "../base/run.js";
import type { MachineDriver } from "../machines/driver.js";

/** A control-plane node, as something on which programs can be run as root: a machine of ours, or the one we are on. */
export interface ControlPlaneHost {
  /** For the reader. */
  name: string;
  exec(command: string[], options?: RunOptions): Promise<RunResult>;
}

export const machineHost = (driver: MachineDriver, cluster: string, name: string): ControlPlaneHost => ({
  name,
  exec: (command, options) => driver.exec(cluster, name, command, options),
});
