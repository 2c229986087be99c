import { SlipwayError } from "../../base/errors.js";
import { writeFileAtomic } from "../../base/files.js";
import { isPortFree, portHolder } from "../../net/ports.js";
import type { DriverContext, PublishedPort } from "../driver.js";
import { bundleConfig } from "./bundle.js";
import { clusterNames, clusterRecords, requireMachine, type Sandbox } from "./context.js";
import { readHostFacts } from "./host-facts.js";
import { clusterLayout } from "./layout.js";
import { applyPorts } from "./link.js";
import { containerId } from "./names.js";
import type { MachineRecord } from "./record.js";

/** Replaces the ports that the host publishes for a machine; at once if it runs. */
export async function publishPorts(
  sandbox: Sandbox,
  cluster: string,
  name: string,
  ports: PublishedPort[],
  context: DriverContext = {},
): Promise<void> {
  const { record, layout, runc } = await requireMachine(sandbox, cluster, name);
  const isOld = (port: PublishedPort) => record.ports.some((old) => samePort(old, port));
  await checkPorts(
    sandbox,
    record,
    ports.filter((port) => !isOld(port)),
  );
  const changed: MachineRecord = { ...record, ports };
  const shared = clusterLayout(sandbox.stateDirectory, cluster);
  const config = bundleConfig(changed, layout, shared, await readHostFacts());
  await writeFileAtomic(layout.config, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  const alive = runc?.status === "running" || runc?.status === "paused";
  if (alive) await applyPorts(changed, context.signal ? { signal: context.signal } : {});
}

/** @throws {SlipwayError} `PORT_IN_USE` when a program on the host or another machine has one of the ports */
export async function checkPorts(
  sandbox: Sandbox,
  record: MachineRecord,
  ports: readonly PublishedPort[],
): Promise<void> {
  if (ports.length === 0) return;
  const others = (await runningRecords(sandbox)).filter(
    ({ cluster, name }) => cluster !== record.cluster || name !== record.name,
  );
  for (const port of ports) {
    const other = others.find((machine) => machine.ports.some((theirs) => samePort(theirs, port)));
    if (other) throw portInUse(port, `machine ${other.name} of cluster ${other.cluster}`);
    const { hostAddress: address, hostPort, protocol } = port;
    if (!(await isPortFree({ address, port: hostPort, protocol }))) {
      const holder = await portHolder({ address, port: hostPort, protocol });
      throw portInUse(port, holder ?? "an unknown program");
    }
  }
}

/** Machines that runc knows: those whose ports are open. Ports that only a stopped machine wants are free. */
async function runningRecords(sandbox: Sandbox): Promise<MachineRecord[]> {
  const [states, clusters] = await Promise.all([sandbox.runc.list(), clusterNames(sandbox)]);
  const records = (await Promise.all(clusters.map((cluster) => clusterRecords(sandbox, cluster)))).flat();
  const known = new Set(states.filter(({ status }) => status !== "stopped").map(({ id }) => id));
  return records.filter(({ cluster, name }) => known.has(containerId(cluster, name)));
}

const overlapping = (one: string, other: string): boolean =>
  one === other || one === "0.0.0.0" || other === "0.0.0.0";

const samePort = (one: PublishedPort, other: PublishedPort): boolean =>
  one.hostPort === other.hostPort &&
  one.protocol === other.protocol &&
  overlapping(one.hostAddress, other.hostAddress);

export const portInUse = (port: PublishedPort, holder: string): SlipwayError =>
  new SlipwayError(
    "PORT_IN_USE",
    `port ${port.hostPort}/${port.protocol} on ${port.hostAddress} is taken by ${holder}`,
    { hint: `stop it, or publish another port: --ports OTHER:${port.nodePort}` },
  );
