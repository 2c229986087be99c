import { readFile } from "node:fs/promises";
import { waitFor } from "../../base/condition.js";
import type { Context } from "../../base/context.js";
import { messageOf } from "../../base/errors.js";
import { connect } from "../../kube/client.js";
import { credentialsFromKubeconfig } from "../../kube/credentials.js";
import type { NodeAddress } from "../../plan/addresses.js";
import { controlPlaneLabel } from "../../plan/node-object.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import { machineHost } from "../../selfhost/control-plane-host.js";
import { nobodyListens } from "../../selfhost/pivot/bootstrap-pods.js";
import { hostDriver } from "../driver.js";
import { profilePaths } from "../profile.js";

/** An API server serves on for some seconds after it was asked to end. */
const patienceMs = 60_000;

/**
 * Takes the self-hosted API server of one of several nodes away, in order: its Node is no control plane any more. A dead API
 * stops no removal: it ends with its machine then.
 */
export async function endSelfhosted(
  cluster: string,
  { name, address }: NodeAddress,
  port: number,
  context: Context,
): Promise<void> {
  const { signal, events, clock } = context;
  const kubeconfig = await readFile(profilePaths(cluster, context).breakGlass, "utf8");
  await using client = connect(credentialsFromKubeconfig(kubeconfig));
  try {
    await client.call({
      method: "PATCH",
      path: `/api/v1/nodes/${name}`,
      contentType: "application/merge-patch+json",
      body: { metadata: { labels: { [controlPlaneLabel]: null } } },
      timeoutMs: 10_000,
      signal,
    });
    await waitFor(
      nobodyListens(workloadNames.apiServer, `${address}:${port}`),
      machineHost(hostDriver(context), cluster, name),
      { timeoutMs: patienceMs, signal, events, clock },
    );
  } catch (error) {
    signal.throwIfAborted();
    events({
      type: "warning",
      message: `the API server of ${name} ends with its machine: ${messageOf(error)}`,
    });
  }
}
