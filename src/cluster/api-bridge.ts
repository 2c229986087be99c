import { waitFor } from "../base/condition.js";
import type { Context } from "../base/context.js";
import { connect } from "../kube/client.js";
import { apiReady } from "../kube/conditions.js";
import { credentialsFromKubeconfig } from "../kube/credentials.js";
import type { NodeAddress } from "../plan/addresses.js";
import { breakGlass } from "../plan/certificates.js";
import { commandLine } from "../plan/command-line.js";
import { apiServerFlags } from "../plan/control-plane.js";
import { places } from "../plan/places.js";
import { bootstrapPort, ownApiServerAddress } from "../plan/selfhosted/settings.js";
import { ownApiServes } from "../selfhost/bridge.js";
import { machineHost } from "../selfhost/control-plane-host.js";
import { endRedirect, redirect, removeRedirect } from "../selfhost/pivot/redirect.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";
import type { HandOut } from "./renewal.js";

/** The unit of the API server beside; it does not outlive a boot. */
const unit = "slipway-api-bridge";

/**
 * Starts a node's API server anew, as a unit, behind another one on the port beside that new connections are led to: for a
 * cluster that has no other, or whose clients have this one's address. The same means as a self-hosted control plane's
 * (selfhost/bridge.ts); run again after a kill, it does all of it again.
 *
 * @param before the cluster as the node still runs it
 * @param restart what starts the API server anew; need not wait for it
 */
export async function behindBridge(
  { plan, driver, material }: HandOut,
  before: ClusterSpec,
  node: NodeAddress,
  { restart, timeoutMs }: { restart: () => Promise<void>; timeoutMs: number },
  context: Context,
): Promise<void> {
  const { spec } = plan;
  const cluster = spec.metadata.name;
  const { signal, events, clock } = context;
  const host = machineHost(driver, cluster, node.name);
  const port = spec.apiServer.port;
  const beside = bootstrapPort(spec);
  const own = ownApiServerAddress(spec, node.address);
  const wait = {
    timeoutMs,
    intervalMs: 100,
    signal,
    events,
    clock,
    code: "API_NOT_READY" as const,
  };
  const logs = (name: string) => `slipway logs -p ${cluster} -n ${node.name} --unit ${name}`;

  const { exitCode: isMissing } = await host.exec(["systemctl", "is-active", "--quiet", unit], {
    allowFailure: true,
    signal,
  });
  if (isMissing) await host.exec(bridgeCommand(before, node, beside), { signal });
  const credentials = credentialsFromKubeconfig(material.get(`kubeconfig/${breakGlass}`)!);
  await using client = connect({ ...credentials, server: `https://${node.address}:${beside}` });
  await waitFor(apiReady(), client, { ...wait, hint: logs(unit) });
  await redirect(host, { port, bootstrapPort: beside, own }, signal);
  await restart();
  await waitFor(ownApiServes({ port, own }), host, {
    ...wait,
    intervalMs: 300,
    hint: logs("kube-apiserver"),
  });
  await endRedirect(host, signal);
  await host.exec(["systemctl", "stop", unit], { allowFailure: true, signal });
  await removeRedirect(host, signal);
}

/** It ends in order: it lets those go that it serves, and asks those that come all the same to try again. */
function bridgeCommand(before: ClusterSpec, node: NodeAddress, port: number): string[] {
  const flags = {
    ...apiServerFlags(before, node),
    "bind-address": "0.0.0.0",
    "secure-port": port,
    "shutdown-delay-duration": "1s",
    "shutdown-send-retry-after": true,
  };
  return [
    "systemd-run",
    "--quiet",
    "--collect",
    `--unit=${unit}`,
    "--property=TimeoutStopSec=3s",
    "--setenv=GOGC=400",
    ...commandLine(`${places.bin}/kube-apiserver`, flags),
  ];
}
