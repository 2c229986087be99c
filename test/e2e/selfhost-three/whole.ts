import { expect } from "vitest";
import type { SelfhostStatus } from "../../../src/cluster/selfhost/status.js";
import type { ControlPlanes } from "../control-planes.js";
import type { TestHome } from "../harness.js";
import { statusOf } from "../selfhost-living/meanwhile.js";

/** On which nodes a component's ready pods are. */
const placesOf = ({ pods }: SelfhostStatus, component: string, origin: string): string[] =>
  pods
    .filter((pod) => pod.component === component && pod.origin === origin && pod.ready)
    .map(({ node }) => node)
    .sort();

/** Waits until each component is on each node with a member of etcd, and nothing is that should not be but what is meant to. */
export async function isWhole(
  { home, profile, controlPlanes }: { home: TestHome; profile: string; controlPlanes: ControlPlanes },
  nodes: readonly string[],
  origin: "self-hosted" | "static" = "self-hosted",
  meant: readonly RegExp[] = [],
): Promise<void> {
  const odd = meant.map((text) => expect.objectContaining({ message: expect.stringMatching(text) }));
  const look = async () => {
    const seen = await statusOf(home, profile);
    return {
      odd: seen.odd,
      apiServer: placesOf(seen, "kube-apiserver", origin),
      controllerManager: placesOf(seen, "kube-controller-manager", origin),
      scheduler: placesOf(seen, "kube-scheduler", origin),
    };
  };
  await expect
    .poll(look, { timeout: 120_000, interval: 1000 })
    .toEqual({ odd, apiServer: nodes, controllerManager: nodes, scheduler: nodes });
  const members = await controlPlanes.members(nodes[0]!);
  expect(members.map(({ name, votes }) => [name, votes])).toEqual(nodes.map((name) => [name, true]));
}
