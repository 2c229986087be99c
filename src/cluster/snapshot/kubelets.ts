import type { Context } from "../../base/context.js";
import type { MachineDriver } from "../../machines/driver.js";
import type { ClusterPlan } from "../../plan/plan.js";
import { sandboxPart } from "../metal.js";

/**
 * Has the kubelets say anew how their nodes and pods are: the snapshot says how they were, and that would pass for the truth
 * for minutes. Pods go on meanwhile. @returns since when
 */
export async function restartKubelets(
  { plan, driver }: { plan: ClusterPlan; driver: MachineDriver },
  context: Context,
): Promise<Date> {
  const since = context.clock.now();
  const cluster = plan.spec.metadata.name;
  const ours = new Set(sandboxPart(plan.spec).nodes.map(({ name }) => name));
  const running = (await driver.list(cluster)).filter(
    ({ name, state }) => ours.has(name) && state === "running",
  );
  const command = ["systemctl", "restart", "kubelet.service"];
  await Promise.all(
    running.map(({ name }) => driver.exec(cluster, name, command, { signal: context.signal })),
  );
  return since;
}
