import { networkInterfaces } from "node:os";
import { met, unmet, type WaitOptions } from "../../base/condition.js";
import { applyObjects } from "../../kube/apply.js";
import type { KubeClient } from "../../kube/client.js";
import { type ObjectCondition, objectCondition, waitForObjects } from "../../kube/wait.js";
import type { Pod } from "../../kube/wire.js";
import type { KubeObject } from "../../plan/kube-object.js";
import { controlPlaneLabel } from "../../plan/node-object.js";

/**
 * The Node of this machine: the one whose kubelet shows the bootstrap control plane's static pods. It gets the role's label, which
 * a kubelet may not give itself (NodeRestriction). @returns its name
 */
export async function labelControlPlaneNode(
  client: KubeClient,
  pods: readonly { pod: KubeObject }[],
  wait: Omit<WaitOptions, "intervalMs"> & { signal: AbortSignal },
): Promise<string> {
  let node = "";
  const condition = bootstrapNode(namesOf(pods), ownAddresses(), (name) => {
    node = name;
  });
  await waitForObjects(condition, client, wait);
  const labels = { [controlPlaneLabel]: "" };
  await applyObjects(client, [{ apiVersion: "v1", kind: "Node", metadata: { name: node, labels } }], {
    signal: wait.signal,
  });
  return node;
}

/** The same Node, if it still shows one of them. */
export async function findBootstrapNode(
  client: KubeClient,
  pods: readonly { pod: KubeObject }[],
  signal: AbortSignal,
): Promise<string | undefined> {
  let node: string | undefined;
  const condition = bootstrapNode(namesOf(pods), ownAddresses(), (name) => {
    node = name;
  });
  await condition.check(client, { signal });
  return node;
}

const namesOf = (pods: readonly { pod: KubeObject }[]): string[] => pods.map(({ pod }) => pod.metadata.name);

/** Pure but for what it calls. */
export const bootstrapNode = (
  names: readonly string[],
  addresses: ReadonlySet<string>,
  found: (node: string) => void,
): ObjectCondition<Pod> =>
  objectCondition(
    "the node of the bootstrap control plane has registered",
    { path: "/api/v1/namespaces/kube-system/pods" },
    (pods) => {
      const nodes = pods.flatMap(({ metadata, spec, status }) => {
        const node = spec?.nodeName;
        const isMirror = metadata?.annotations?.["kubernetes.io/config.mirror"] !== undefined;
        const isOurs = names.some((name) => metadata?.name === `${name}-${node}`);
        return node && isMirror && isOurs ? [{ node, address: status?.hostIP ?? "" }] : [];
      });
      const different = new Set(nodes.map(({ node }) => node));
      // Another machine may have been bootstrapped before.
      const [own] = different.size > 1 ? nodes.filter(({ address }) => addresses.has(address)) : nodes;
      if (own) {
        found(own.node);
        return met();
      }
      return unmet(
        nodes.length === 0
          ? "no node shows its static pods: the kubelet has not registered"
          : `none of ${[...different].join(", ")} has an address of this machine`,
      );
    },
  );

const ownAddresses = (): Set<string> =>
  new Set(Object.values(networkInterfaces()).flatMap((links) => (links ?? []).map(({ address }) => address)));
