import type { KubeClient } from "../../kube/client.js";

interface Lease {
  metadata: { name: string; resourceVersion: string };
  spec: { holderIdentity?: string };
}

/**
 * Gives up a lease for a leader that has ended, so that the next one need not wait until it runs out. Leaders of the
 * node's own network call themselves `<node>_<uuid>` (client-go's leader election).
 */
export async function releaseLease(
  client: KubeClient,
  component: string,
  node: string,
  signal: AbortSignal,
): Promise<void> {
  await releaseIf(client, component, (holder) => holder.startsWith(`${node}_`), signal);
}

/**
 * The same for a leader of a Deployment of that name whose pod is gone: controller managers give up no lease when they end, and
 * nobody would lead until it runs out.
 *
 * @param pods that there are
 */
export const releaseLostLease = (
  client: KubeClient,
  component: string,
  pods: readonly string[],
  signal: AbortSignal,
): Promise<void> =>
  releaseIf(
    client,
    component,
    (holder) => holder.startsWith(`${component}-`) && !pods.some((pod) => holder.startsWith(`${pod}_`)),
    signal,
  );

async function releaseIf(
  client: KubeClient,
  component: string,
  isLost: (holder: string) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/${component}`;
  const lease = await client.find<Lease>(path, { signal });
  if (!isLost(lease?.spec.holderIdentity ?? "") || !lease) return;
  // With the version that was read: whoever took it meanwhile keeps it.
  await client.request({
    method: "PATCH",
    path,
    contentType: "application/merge-patch+json",
    body: {
      metadata: { resourceVersion: lease.metadata.resourceVersion },
      spec: { holderIdentity: "", leaseDurationSeconds: 1 },
    },
    signal,
  });
}
