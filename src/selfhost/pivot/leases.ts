import type { KubeClient } from "../../kube/client.js";

interface Lease {
  metadata: { name: string; resourceVersion: string };
  spec: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    /** RFC 3339 with microseconds */
    renewTime?: string;
  };
}

const pathOf = (component: string) =>
  `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/${component}`;

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
  const lease = await client.find<Lease>(pathOf(component), { signal });
  if (lease?.spec.holderIdentity?.startsWith(`${node}_`)) await giveUp(client, lease, signal);
}

/**
 * Gives up the lease of a leader that ended without doing it: at its last renewal the machines had not booted yet, or it has
 * run out since. Who wants to lead trusts no clock but his own, and waits 15 s from when he first looked.
 *
 * @param bootedAt of machines that were all off before
 */
export async function releaseDeadLease(
  client: KubeClient,
  component: string,
  { bootedAt, now, signal }: { bootedAt: Date | undefined; now: Date; signal: AbortSignal },
): Promise<void> {
  const lease = await client.find<Lease>(pathOf(component), { signal });
  if (lease && isDead(lease, bootedAt, now)) await giveUp(client, lease, signal);
}

function isDead({ spec }: Lease, bootedAt: Date | undefined, now: Date): boolean {
  const { holderIdentity, renewTime, leaseDurationSeconds = 15 } = spec;
  if (!holderIdentity || renewTime === undefined) return false;
  const renewedMs = Date.parse(renewTime);
  return renewedMs < (bootedAt?.getTime() ?? 0) || renewedMs + leaseDurationSeconds * 1000 < now.getTime();
}

async function giveUp(client: KubeClient, lease: Lease, signal: AbortSignal): Promise<void> {
  // With the version that was read: whoever took it meanwhile keeps it.
  await client.request({
    method: "PATCH",
    path: pathOf(lease.metadata.name),
    contentType: "application/merge-patch+json",
    body: {
      metadata: { resourceVersion: lease.metadata.resourceVersion },
      spec: { holderIdentity: "", leaseDurationSeconds: 1 },
    },
    signal,
  });
}
