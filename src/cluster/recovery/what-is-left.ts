import { readFile } from "node:fs/promises";
import { type Condition, met, unmet, waitFor } from "../../base/condition.js";
import type { Context } from "../../base/context.js";
import { isSlipwayError } from "../../base/errors.js";
import { connect } from "../../kube/client.js";
import { credentialsFromKubeconfig } from "../../kube/credentials.js";
import type { Machine, MachineDriver } from "../../machines/driver.js";
import { etcdctlSettings } from "../../plan/etcd-client.js";
import { places } from "../../plan/places.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";
import { isApiReady } from "../api-server.js";
import { profilePaths } from "../profile.js";
import { listScheduled } from "../snapshot/scheduled.js";
import { listShelf } from "../snapshot/shelf.js";
import type { EtcdContents, WhatIsLeft } from "./choose-source.js";

const { apiServer, controllerManager, scheduler } = workloadNames;

/** By any of these it is the cluster's own data: somebody may have deleted the others. No API server makes them by itself. */
const ownObjects = [
  { api: "/apis/apps/v1", resource: "daemonsets", name: apiServer },
  { api: "/apis/apps/v1", resource: "deployments", name: controllerManager },
  { api: "/apis/apps/v1", resource: "deployments", name: scheduler },
  { api: "/api/v1", resource: "secrets", name: apiServer },
] as const;

/** Control-plane machines that can be switched on, or are. */
export async function controlPlaneMachines(driver: MachineDriver, cluster: string): Promise<Machine[]> {
  const machines = await driver.list(cluster);
  return machines.filter(({ role, state }) => role === "control-plane" && state !== "broken");
}

/** Looks at everything that a control plane can be brought back from. Its machines run, with certificates that are good. */
export async function whatIsLeft(
  spec: ClusterSpec,
  driver: MachineDriver,
  context: Context,
): Promise<WhatIsLeft> {
  const cluster = spec.metadata.name;
  const machines = (await controlPlaneMachines(driver, cluster)).map(({ name }) => name);
  const api = await apiHolds(cluster, context);
  const left = { cluster, machines, api, checkpoints: [] };
  // What is asked next takes its time where it is lost.
  if (api) return { ...left, etcd: "holds", snapshot: false };
  const etcd = machines.length === 0 ? "none" : await etcdContents(spec, machines, driver, context);
  const snapshots = [...(await listShelf(cluster, context)), ...(await listScheduled(spec, driver, context))];
  const checkpoints = [];
  for (const node of machines) if (await hasCopy(cluster, node, driver, context)) checkpoints.push(node);
  return { ...left, etcd, snapshot: snapshots.length > 0, checkpoints };
}

async function apiHolds(cluster: string, context: Context): Promise<boolean> {
  const kubeconfig = await readFile(profilePaths(cluster, context).breakGlass, "utf8").catch(() => undefined);
  if (kubeconfig === undefined) return false;
  const credentials = credentialsFromKubeconfig(kubeconfig);
  if (!(await isApiReady(credentials, context))) return false;
  await using client = connect(credentials);
  try {
    for (const { api, resource, name } of ownObjects) {
      const path = `${api}/namespaces/kube-system/${resource}/${name}`;
      if (await client.find(path, { signal: context.signal })) return true;
    }
  } catch {
    context.signal.throwIfAborted();
  }
  return false;
}

/** $@: the keys of which one is enough. */
const contentsScript = `${etcdctlSettings}
for key in "$@"; do
  if found=$(etcdctl get --keys-only --command-timeout=5s "$key"); then
    [ -z "$found" ] || { echo holds; exit; }
  elif [ -n "$(ls ${places.etcdData}/member/wal 2>/dev/null)" ]; then echo silent; exit
  else echo none; exit
  fi
done
echo empty`;

/** A member that was just switched on takes a moment; one that has lost its data does not get any. */
const memberPatienceMs = 30_000;

async function etcdContents(
  spec: ClusterSpec,
  nodes: readonly string[],
  driver: MachineDriver,
  { signal, events, clock }: Context,
): Promise<EtcdContents> {
  const prefix = spec.extraConfig.apiserver?.["etcd-prefix"] ?? "/registry";
  const keys = ownObjects.map(({ resource, name }) => `${prefix}/${resource}/kube-system/${name}`);
  let best: EtcdContents = "none";
  const answers: Condition<MachineDriver> = {
    name: "etcd says what it has",
    async check(machines, { signal: stop }) {
      const command = ["/bin/sh", "-c", contentsScript, "sh", ...keys];
      const seen = new Set<EtcdContents>();
      for (const node of nodes) {
        const { stdout } = await machines.exec(spec.metadata.name, node, command, { signal: stop });
        seen.add(stdout.trim() as EtcdContents);
      }
      best = (["holds", "silent", "empty", "none"] as const).find((contents) => seen.has(contents)) ?? "none";
      // One member of several may be empty where others are still to answer.
      return best === "holds" || best === "empty" ? met() : unmet("it does not answer");
    },
  };
  try {
    await waitFor(answers, driver, { timeoutMs: memberPatienceMs, intervalMs: 500, signal, events, clock });
  } catch (error) {
    if (!isSlipwayError(error, "TIMED_OUT")) throw error;
  }
  return best;
}

async function hasCopy(
  cluster: string,
  node: string,
  driver: MachineDriver,
  { signal }: Context,
): Promise<boolean> {
  const name = `kube-system-${apiServer}.json`;
  const { exitCode } = await driver.exec(
    cluster,
    node,
    ["test", "-e", `${places.kubernetes}/inactive-manifests/${name}`],
    { signal, allowFailure: true },
  );
  return exitCode === 0;
}
