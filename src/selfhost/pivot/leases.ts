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
  await releaseIf(client, component, ({ holder }) => holder.startsWith(`${node}_`), signal);
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
    ({ holder }) => holder.startsWith(`${component}-`) && !pods.some((pod) => holder.startsWith(`${pod}_`)),
    signal,
  );

/**
 * The same for a leader that ended with its machine: at its last renewal the machines had not booted yet, or it has run out
 * since. Who wants to lead trusts no clock but his own, and waits 15 s from when he first looked.
 *
 * @param bootedAt of machines that were all off before
 */
export const releaseDeadLease = (
  client: KubeClient,
  component: string,
  { bootedAt, now, signal }: { bootedAt: Date | undefined; now: Date; signal: AbortSignal },
): Promise<void> =>
  releaseIf(
    client,
    component,
    ({ renewedMs, durationMs }) =>
      renewedMs < (bootedAt?.getTime() ?? 0) || renewedMs + durationMs < now.getTime(),
    signal,
  );

/** A lease that somebody holds. */
interface Held {
  holder: string;
  renewedMs: number;
  durationMs: number;
}

async function releaseIf(
  client: KubeClient,
  component: string,
  isLost: (lease: Held) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/${component}`;
  const lease = await client.find<Lease>(path, { signal });
  if (!lease?.spec.holderIdentity) return;
  const { holderIdentity: holder, renewTime, leaseDurationSeconds = 15 } = lease.spec;
  const renewedMs = renewTime === undefined ? Number.NaN : Date.parse(renewTime);
  if (!isLost({ holder, renewedMs, durationMs: leaseDurationSeconds * 1000 })) return;
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
