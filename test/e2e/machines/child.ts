import type { ClusterNetwork, MachineSpec } from "../../../src/machines/driver.js";
import { createSandboxDriver } from "../../../src/machines/sandbox/driver.js";

/** One verb of the driver in a process of its own, to be killed in the middle of it. */
interface Order {
  stateDirectory: string;
  network: ClusterNetwork;
  spec: MachineSpec;
  verb: "create" | "start" | "stop" | "delete";
}

const { stateDirectory, network, spec, verb } = JSON.parse(process.argv[2]!) as Order;
const driver = createSandboxDriver({ stateDirectory });
process.stdout.write("begin\n");
if (verb === "create") {
  await driver.ensureNetwork(network);
  await driver.create(spec);
} else await driver[verb](spec.cluster, spec.name);
