import type { Context } from "../../base/context.js";
import type { MachineDriver } from "../../machines/driver.js";
import type { ClusterPlan } from "../../plan/plan.js";
import { sandboxPart } from "../metal.js";

/**
 * Starts anew what nodes run of Kubernetes, whose pods go on meanwhile. A kubelet says then how its node and pods are: the
 * snapshot says how they were, and that would pass for the truth for minutes. kube-proxy would ask again late: an API server that
 * has just started refuses its watches, and it waits twice as long each time, up to a minute. @returns since when
 */
export async function restartNodeUnits(
  { plan, driver }: { plan: ClusterPlan; driver: MachineDriver },
  context: Context,
): Promise<Date> {
  const since = context.clock.now();
  const cluster = plan.spec.metadata.name;
  const ours = new Set(sandboxPart(plan.spec).nodes.map(({ name }) => name));
  const running = (await driver.list(cluster)).filter(
    ({ name, state }) => ours.has(name) && state === "running",
  );
  const planned = plan.nodes.flatMap(({ config }) => config.systemd?.units ?? []).map(({ name }) => name);
  const units = ["kubelet.service", "kube-proxy.service"].filter((unit) => planned.includes(unit));
  const command = ["systemctl", "restart", ...units];
  await Promise.all(
    running.map(({ name }) => driver.exec(cluster, name, command, { signal: context.signal })),
  );
  return since;
}
