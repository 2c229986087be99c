import { type Condition, met, unmet, waitFor } from "../base/condition.js";
import type { Context } from "../base/context.js";
import type { KubeClient } from "../kube/client.js";
import type { KubeNode } from "../kube/wire.js";
import type { StartState } from "./start-state.js";

/**
 * Waits until the kubelet of each of these nodes has said what it has to give: before that no pod can be scheduled there.
 *
 * @throws {SlipwayError} `NODE_NOT_READY`
 */
export async function waitForKubelets(
  nodes: readonly string[],
  { plan, client, options }: StartState,
  { signal, events, clock }: Context,
): Promise<void> {
  for (const name of nodes) {
    const registered: Condition<KubeClient> = {
      name: `the kubelet of ${name} has said what it has`,
      async check(api) {
        const node = await api.find<KubeNode>(`/api/v1/nodes/${name}`, { signal });
        return node?.status?.allocatable?.cpu === undefined ? unmet("not yet") : met();
      },
    };
    await waitFor(registered, client!, {
      timeoutMs: options.waitTimeoutMs,
      intervalMs: 100,
      signal,
      events,
      clock,
      code: "NODE_NOT_READY",
      hint: `slipway logs -p ${plan.spec.metadata.name} -n ${name} --unit kubelet`,
    });
  }
}
