import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../base/context.js";
import { readJson, writeJsonAtomic } from "../base/files.js";
import { type PlannedNode, planCluster } from "../plan/plan.js";
import { isOrdered, isUnchanged, type UnitChanges, unitChanges } from "../plan/unit-changes.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import { behindBridge } from "./api-bridge.js";
import { apiServerReady } from "./api-server.js";
import { takeUpTiming } from "./etcd-timing.js";
import { machineSpec } from "./machine-spec.js";
import { profilePaths } from "./profile.js";
import type { HandOut } from "./renewal.js";

/**
 * Nodes that run have to take up that control planes came or went. The cluster as it was before is kept from before the first
 * change until all nodes have: a run that is killed in between is finished by the next one.
 */
const rolloutFile = (name: string, context: Context): string =>
  join(profilePaths(name, context).directory, "rollout.json");

/** Notes what the nodes run as; an earlier note stays, for that is what some of them still do. */
export async function noteRollout(before: ClusterSpec, context: Context): Promise<void> {
  const file = rolloutFile(before.metadata.name, context);
  if ((await readJson(file)) !== undefined) return;
  await writeJsonAtomic(file, before, { mode: 0o600, ...context.owner });
}

export const pendingRollout = (name: string, context: Context): Promise<ClusterSpec | undefined> =>
  readJson<ClusterSpec>(rolloutFile(name, context));

export const forgetRollout = (name: string, context: Context): Promise<void> =>
  rm(rolloutFile(name, context), { force: true });

/**
 * Brings running nodes from one shape of the cluster to that of the plan, one after the other, so that its API goes on:
 * workers first, since an endpoint that they move to is there already, and one that they leave goes with a control plane.
 *
 * @param upToDate nodes that were made as the plan has them
 * @returns the names of the nodes that took up something
 */
export async function rollOut(
  what: HandOut,
  before: ClusterSpec,
  { upToDate, timeoutMs }: { upToDate: readonly string[]; timeoutMs: number },
  context: Context,
): Promise<string[]> {
  const { plan, driver } = what;
  const { name } = plan.spec.metadata;
  const earlier = planCluster(before, plan.facts);
  const running = new Set(
    (await driver.list(name)).filter(({ state }) => state === "running").map((machine) => machine.name),
  );
  const nodes = plan.nodes.filter((node) => running.has(node.name) && !upToDate.includes(node.name));
  const changed: string[] = [];
  for (const role of ["worker", "control-plane"] as const) {
    for (const node of nodes.filter((candidate) => candidate.role === role)) {
      const changes = unitChanges(earlier, plan, node.name);
      if (isUnchanged(changes)) continue;
      const restart = () => takeUp(what, node, changes, context);
      if (changes.restarted.includes("kube-apiserver.service"))
        await behindBridge(what, before, node, { restart, timeoutMs }, context);
      else await restart();
      if (role === "control-plane") await apiServerReady(what, node, timeoutMs, context);
      changed.push(node.name);
    }
  }
  const timed = await takeUpTiming(what, timeoutMs, context);
  return [...new Set([...changed, ...timed])];
}

/** Gives a running node the plan's config, and its units what has changed for them. */
export async function takeUp(
  { plan, driver, software, material }: HandOut,
  node: PlannedNode,
  { removed, restarted, reloaded }: UnitChanges,
  context: Context,
): Promise<void> {
  await driver.configure(machineSpec(plan, node, software, material), context);
  const others = restarted.filter((unit) => !isOrdered(unit));
  const commands = [
    // Under the text that it runs by: one of several takes longer to end in order than one alone.
    ...(restarted.includes("kube-apiserver.service") ? ["systemctl stop kube-apiserver.service"] : []),
    "systemctl daemon-reload",
    ...(removed.length > 0 ? [`systemctl disable --quiet --now ${removed.join(" ")}`] : []),
    ...(reloaded.length > 0 ? [`systemctl reload-or-restart ${reloaded.join(" ")}`] : []),
    // One by one, in this order; and the others, which nobody waits for, together.
    ...restarted.filter(isOrdered).map((unit) => `systemctl restart ${unit}`),
    ...(others.length > 0 ? [`systemctl restart --no-block ${others.join(" ")}`] : []),
  ];
  await driver.exec(plan.spec.metadata.name, node.name, ["/bin/sh", "-c", commands.join(" && ")], {
    signal: context.signal,
  });
}
