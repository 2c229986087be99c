import type { Context } from "../base/context.js";
import type { MachineDriver } from "../machines/driver.js";
import { createSandboxDriver } from "../machines/sandbox/driver.js";
import { cloneTree } from "../node-image/clone-tree.js";
import { machinesDirectory } from "./profile.js";

/** The driver of this host's machines. */
export const hostDriver = (context: Context): MachineDriver =>
  createSandboxDriver({
    stateDirectory: machinesDirectory(context),
    seedVolume: (from, to) => cloneTree(from, to, context),
  });
