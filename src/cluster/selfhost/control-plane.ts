import type { Context } from "../../base/context.js";
import { SlipwayError } from "../../base/errors.js";
import { connect, type KubeClient } from "../../kube/client.js";
import { credentialsFromKubeconfig } from "../../kube/credentials.js";
import type { Pod } from "../../kube/wire.js";
import type { MachineDriver } from "../../machines/driver.js";
import { controlPlaneNodes } from "../../plan/addresses.js";
import { breakGlass } from "../../plan/certificates.js";
import type { Material } from "../../plan/material.js";
import type { ClusterPlan } from "../../plan/plan.js";
import { bootstrapPods } from "../../plan/selfhosted/bootstrap.js";
import { selfhostedSettings } from "../../plan/selfhosted/plan.js";
import { bootstrapPort, ownApiServerAddress } from "../../plan/selfhosted/settings.js";
import type { Bridge } from "../../selfhost/bridge.js";
import { machineHost } from "../../selfhost/control-plane-host.js";
import type { ClusterSpec } from "../../spec/cluster-spec.js";

/** What an operation on a control plane of pods works with. */
export interface ControlPlaneAccess {
  /** The cluster as it is before the operation. */
  plan: ClusterPlan;
  driver: MachineDriver;
  material: Material;
}

/** For each pod and node that an operation waits for; a busy machine takes its time. */
export const patienceMs = 300_000;

export const connectApi = (material: Material, server?: string): KubeClient => {
  const credentials = credentialsFromKubeconfig(material.get(`kubeconfig/${breakGlass}`)!);
  return connect(server === undefined ? credentials : { ...credentials, server });
};

export const describePods = (cluster: string, workload: string): string =>
  `slipway kubectl -p ${cluster} -- -n kube-system describe pods -l k8s-app=${workload}`;

/** How long and with what to wait. */
export const waitOptions = ({ signal, events, clock }: Context) => ({
  timeoutMs: patienceMs,
  signal,
  events,
  clock,
});

/** A bridge for every control-plane node, of the plan's version. */
export function bridges({ plan, driver, material }: ControlPlaneAccess, context: Context): Bridge[] {
  const { spec } = plan;
  const cluster = spec.metadata.name;
  return controlPlaneNodes(spec).map(({ name, address }) => ({
    host: machineHost(driver, cluster, name),
    node: name,
    port: spec.apiServer.port,
    bootstrapPort: bootstrapPort(spec),
    own: ownApiServerAddress(spec, address),
    pods: bootstrapPods(selfhostedSettings(spec)),
    material,
    connect: () => connectApi(material),
    connectBridge: () => connectApi(material, `https://${address}:${bootstrapPort(spec)}`),
    wait: waitOptions(context),
    describe: ({ name }) => describePods(cluster, name),
  }));
}

/** Names of a workload's pods, static ones among them. */
export async function podsOf(client: KubeClient, workload: string, signal: AbortSignal): Promise<string[]> {
  const { items } = await client.list<Pod>(
    { path: "/api/v1/namespaces/kube-system/pods", labelSelector: `k8s-app=${workload}` },
    { signal },
  );
  return items.map(({ metadata }) => metadata?.name ?? "");
}

/** @throws {SlipwayError} `USAGE` for a cluster whose control plane is another */
export function requireBootstrapper(
  { bootstrapper, metadata: { name } }: ClusterSpec,
  ...wanted: ClusterSpec["bootstrapper"][]
): void {
  if (wanted.includes(bootstrapper)) return;
  const lives = {
    units: "runs as systemd units",
    static: "runs as static pods",
    selfhosted: "is self-hosted",
  } as const;
  throw new SlipwayError("USAGE", `the control plane of ${name} ${lives[bootstrapper]}`, {
    hint:
      bootstrapper === "static"
        ? `slipway selfhost pivot -p ${name}`
        : bootstrapper === "selfhosted"
          ? `slipway selfhost status -p ${name}`
          : "a cluster keeps it for its life; a new one: slipway start -p NAME --bootstrapper selfhosted",
  });
}
