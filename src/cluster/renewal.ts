import type { Context } from "../base/context.js";
import { credentialsFromKubeconfig } from "../kube/credentials.js";
import type { Machine, MachineDriver } from "../machines/driver.js";
import { isHighlyAvailable } from "../plan/addresses.js";
import { breakGlass } from "../plan/certificates.js";
import type { Material } from "../plan/material.js";
import type { ClusterPlan, PlannedNode } from "../plan/plan.js";
import { apiServerReady, isApiReady } from "./api-server.js";
import { machineSpec } from "./machine-spec.js";
import { profilePaths } from "./profile.js";
import { forgetRenewal, isRenewalPending } from "./renewal-mark.js";
import type { NodeSoftware } from "./software.js";
import { clusterUnits } from "./units.js";

/** What is handed out: a plan with its secrets, and the programs that the nodes run. */
export interface HandOut {
  plan: ClusterPlan;
  driver: MachineDriver;
  software: NodeSoftware;
  material: Material;
}

/**
 * Gives running machines the config of today and starts anew what read its certificates from it, wherever these units were:
 * etcd and the API server die of an expired certificate. Pods go on: containerd is left alone, and a kubelet takes its
 * containers up again. Waits for the API server of one of several control planes that serve, and else not until the units are
 * up: an API that died of its certificates does not come back with one node's alone.
 */
async function handOut(
  { plan, driver, software, material }: HandOut,
  machines: readonly Machine[],
  context: Context,
): Promise<void> {
  const running = new Set(machines.map(({ name }) => name));
  const credentials = credentialsFromKubeconfig(material.get(`kubeconfig/${breakGlass}`)!);
  const oneByOne = isHighlyAvailable(plan.spec) && (await isApiReady(credentials, context));
  for (const node of plan.nodes.filter(({ name }) => running.has(name))) {
    await driver.configure(machineSpec(plan, node, software, material), context);
    const { holders, enabled } = unitsOf(node);
    const again =
      plan.spec.bootstrapper === "static" && node.role === "control-plane" ? endStaticLeaders : "";
    // Stopped first, so that nobody takes the answers of the old ones for those of the new. The config may be one of a newer
    // slipway than the node was booted with: its units as they are now, and those that it did not have.
    const restart = `systemctl daemon-reload && systemctl stop ${holders.join(" ")} && systemctl start --no-block ${enabled.join(" ")}${again}`;
    await driver.exec(plan.spec.metadata.name, node.name, ["/bin/sh", "-c", restart], {
      signal: context.signal,
    });
    // One after the other: the rest of them serve meanwhile.
    if (node.role === "control-plane" && oneByOne) {
      await apiServerReady({ plan, material }, node, patienceMs, context);
    }
  }
}

/** For an API server to come back with what is new. */
const patienceMs = 120_000;

/**
 * Finishes a renewal, if there is one, on the machines that were up meanwhile. @returns since when they serve with the new
 * certificates; undefined when nothing was to be done
 */
export async function handOutRenewed(
  what: HandOut,
  machines: readonly Machine[],
  context: Context,
): Promise<Date | undefined> {
  const { pki } = profilePaths(what.plan.spec.metadata.name, context);
  if (!(await isRenewalPending(pki))) return undefined;
  const since = context.clock.now();
  await handOut(what, machines, context);
  await forgetRenewal(pki);
  return machines.length > 0 ? since : undefined;
}

/** Their kubelet starts them again at once, with the kubeconfigs of now. */
const endStaticLeaders = "; pkill -TERM -f '^kube-(controller-manager|scheduler) ' || true";

/**
 * The units that run on a node, and those of them that hold certificates. etcd reads its own at each handshake; where API
 * servers are pods, which do so too, a restart of it would only fail calls.
 */
function unitsOf({ config }: PlannedNode): { holders: string[]; enabled: string[] } {
  const enabled = (config.systemd?.units ?? []).filter((unit) => unit.enabled).map(({ name }) => name);
  const holders = clusterUnits.filter((unit) => unit !== "containerd").map((unit) => `${unit}.service`);
  const units = holders.filter((unit) => enabled.includes(unit));
  const inPods = !enabled.includes("kube-apiserver.service");
  return { enabled, holders: inPods ? units.filter((unit) => unit !== "etcd.service") : units };
}
