import { waitFor } from "../base/condition.js";
import type { Context } from "../base/context.js";
import { connect } from "../kube/client.js";
import { apiReady } from "../kube/conditions.js";
import { credentialsFromKubeconfig, type KubeCredentials } from "../kube/credentials.js";
import type { NodeAddress } from "../plan/addresses.js";
import { breakGlass } from "../plan/certificates.js";
import type { Material } from "../plan/material.js";
import type { ClusterPlan } from "../plan/plan.js";
import type { ClusterSpec } from "../spec/cluster-spec.js";

/** A control-plane node's own API server, whatever the endpoint says. */
export const ownServer = ({ apiServer }: ClusterSpec, address: string): string =>
  `https://${address}:${apiServer.port}`;

/** Whether an API server answers these credentials that it is ready: now, without waiting. */
export async function isApiReady(credentials: KubeCredentials, { signal }: Context): Promise<boolean> {
  await using client = connect(credentials);
  try {
    const { status } = await client.request({ path: "/readyz", timeoutMs: 3000, signal });
    return status === 200;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** Waits until it is ready. */
export async function apiServerReady(
  { plan, material }: { plan: ClusterPlan; material: Material },
  { name, address }: NodeAddress,
  timeoutMs: number,
  context: Context,
): Promise<void> {
  const credentials = credentialsFromKubeconfig(material.get(`kubeconfig/${breakGlass}`)!);
  await using client = connect({ ...credentials, server: ownServer(plan.spec, address) });
  await waitFor(apiReady(), client, {
    timeoutMs,
    signal: context.signal,
    events: context.events,
    clock: context.clock,
    code: "API_NOT_READY",
    hint: `slipway logs -p ${plan.spec.metadata.name} -n ${name} --unit kube-apiserver`,
  });
}
