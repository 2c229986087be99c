import { type Condition, met, unmet, waitFor } from "../base/condition.js";
import type { KubeClient } from "../kube/client.js";
import { apiReady } from "../kube/conditions.js";
import type { Material } from "../plan/material.js";
import { places } from "../plan/places.js";
import type { BootstrapPod } from "../plan/selfhosted/bootstrap.js";
import { workloadNames } from "../plan/selfhosted/workloads.js";
import type { ControlPlaneHost } from "./control-plane-host.js";
import { bootstrapManifests, endBootstrapPod, removeBootstrapSecrets } from "./pivot/bootstrap-pods.js";
import { handOver, type Pivot } from "./pivot/pivot.js";
import { placeBootstrap } from "./pivot/place-bootstrap.js";
import { redirect, removeRedirect } from "./pivot/redirect.js";

/**
 * An API server beside the one that is replaced, so that nobody who calls the cluster's port notices: the pivot's means, in
 * both directions.
 *
 *   bridge ready ──▶ redirect to it ──▶ the cluster's own API server is replaced ──▶ redirect ends ──▶ bridge ends
 *
 * Each function does what is missing and can be run again after a kill at any point.
 */
export interface Bridge extends Omit<Pivot, "selfhostedAnswers" | "required"> {
  pods: readonly BootstrapPod[];
  material: Material;
  /** Straight to the bridge. */
  connectBridge(): KubeClient;
}

/** Whether the node has one, or what is left of it. */
export const isBridged = async ({ host, wait }: Bridge): Promise<boolean> =>
  (await bootstrapManifests(host, wait.signal)).length > 0;

/** Brings the API server beside up and leads new connections to it. */
export async function openBridge(bridge: Bridge): Promise<void> {
  const { host, pods, material, connectBridge, wait, describe } = bridge;
  if (!(await isBridged(bridge))) await placeBootstrap(host, [apiServerOf(pods)], material, wait.signal);
  await using client = connectBridge();
  await waitFor(apiReady(), client, {
    ...wait,
    intervalMs: 200,
    code: "API_NOT_READY",
    hint: describe({ namespace: "kube-system", name: `bootstrap-${workloadNames.apiServer}` }),
  });
  await redirect(host, bridge, wait.signal);
}

/** Leads new connections to the clusters' own API servers again, node by node, and ends each bridge when its node's answers. */
export async function closeBridges(bridges: readonly Bridge[]): Promise<void> {
  for (const bridge of bridges) {
    const { host, pods, bootstrapPort, wait } = bridge;
    await handOver(bridge);
    await endBootstrapPod(host, apiServerOf(pods), bootstrapPort, wait);
    await removeBootstrapSecrets(host, wait.signal);
    await removeRedirect(host, wait.signal);
  }
  // Kubelets take their time to say so, each for itself.
  for (const bridge of bridges) {
    await using client = bridge.connect();
    await waitFor(mirrorGone(`${apiServerOf(bridge.pods).pod.metadata.name}-${bridge.node}`), client, {
      ...bridge.wait,
      intervalMs: 300,
    });
  }
}

/** The kubelet has told the API that a static pod is gone: what the API lists is what there is. */
export const mirrorGone = (name: string): Condition<KubeClient> => ({
  name: `pod ${name} is gone`,
  check: async (client, { signal }) =>
    (await client.find(`/api/v1/namespaces/kube-system/pods/${name}`, { signal }))
      ? unmet("its kubelet has not said so yet")
      : met(),
});

/** Takes away a bridge that never served anybody. */
export async function discardBridge({ host, pods, bootstrapPort, wait }: Bridge): Promise<void> {
  await removeRedirect(host, wait.signal);
  await endBootstrapPod(host, apiServerOf(pods), bootstrapPort, wait);
  await removeBootstrapSecrets(host, wait.signal);
}

const apiServerOf = ([first]: readonly BootstrapPod[]): BootstrapPod => first!;

/**
 * The API server behind the bridge is ready, and of that version if one is given: asked on the node itself by the address that the redirect
 * leaves alone.
 */
export const ownApiServes = (
  { port, own }: Pick<Bridge, "port" | "own">,
  version?: string,
): Condition<ControlPlaneHost> => ({
  name: `the API server ${version === undefined ? "" : `of ${version} `}is ready`,
  check: async ({ exec }, { signal }) => {
    const ask = async (path: string) =>
      exec(
        [
          `${places.bin}/kubectl`,
          `--kubeconfig=${places.kubernetes}/kubelet.conf`,
          `--server=https://${own}:${port}`,
          "--tls-server-name=127.0.0.1",
          "--request-timeout=5s",
          "get",
          "--raw",
          path,
        ],
        { signal, allowFailure: true },
      );
    const ready = await ask("/readyz");
    if (ready.exitCode !== 0) return unmet(lastLine(ready.stderr));
    if (version === undefined) return met();
    const { stdout } = await ask("/version");
    const seen = /"gitVersion":\s*"([^"+]+)/.exec(stdout)?.[1];
    return seen === version ? met() : unmet(`${seen ?? "nobody"} answers`);
  },
});

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";
