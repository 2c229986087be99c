import type { Context } from "../../base/context.js";
import { planCluster } from "../../plan/plan.js";
import { snapshotUnit } from "../../plan/snapshot-schedule.js";
import type { SnapshotSchedule } from "../../spec/cluster-spec.js";
import { hostDriver } from "../driver.js";
import { machineSpec } from "../machine-spec.js";
import { ensureMaterial } from "../material.js";
import { lockProfile, profilePaths, readProfile, writeProfile } from "../profile.js";
import { ensureNodeSoftware } from "../software.js";

export const readSchedule = async (name: string, context: Context): Promise<SnapshotSchedule | undefined> =>
  (await readProfile(name, context)).spec.snapshots;

/**
 * Has the control-plane nodes take snapshots by themselves, or no longer. Part of the profile: nodes that are off take it up
 * with the next start, as does a run of this that was killed.
 *
 * @param schedule undefined: none
 * @returns the nodes that have it at once
 */
export async function setSchedule(
  name: string,
  schedule: SnapshotSchedule | undefined,
  context: Context,
): Promise<string[]> {
  await using _lock = await lockProfile(name, context);
  const profile = await readProfile(name, context);
  const { snapshots: _, ...rest } = profile.spec;
  const spec = schedule ? { ...rest, snapshots: schedule } : rest;
  await writeProfile(context, { ...profile, spec });

  const driver = hostDriver(context);
  const plan = planCluster(spec, profile.facts);
  const running = (await driver.list(name)).filter(
    ({ role, state }) => role === "control-plane" && state === "running",
  );
  if (running.length === 0) return [];
  const software = await ensureNodeSoftware(spec, {}, context);
  const material = await ensureMaterial(plan, profilePaths(name, context).pki, context);
  const names = running.map((machine) => machine.name);
  for (const node of plan.nodes.filter((planned) => names.includes(planned.name))) {
    await driver.configure(machineSpec(plan, node, software, material), context);
    const timer = `${snapshotUnit}.timer`;
    const script = `systemctl daemon-reload && systemctl ${schedule ? "restart" : "stop"} ${timer}`;
    await driver.exec(name, node.name, ["/bin/sh", "-c", script], { signal: context.signal });
  }
  return names;
}
