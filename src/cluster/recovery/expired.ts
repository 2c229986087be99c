import type { Context } from "../../base/context.js";
import { applyObjects } from "../../kube/apply.js";
import type { Pod } from "../../kube/wire.js";
import { inspectCertificate } from "../../pki/inspect.js";
import { controlPlaneNodes } from "../../plan/addresses.js";
import { places } from "../../plan/places.js";
import { controlPlaneObjects } from "../../plan/plan.js";
import { sealObjects } from "../../plan/secrets.js";
import { checkpointerName } from "../../plan/selfhosted/checkpointer.js";
import { filesVolume } from "../../plan/selfhosted/pods.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import { isPivoting } from "../../selfhost/pivot/pivot.js";
import { placeBootstrap } from "../../selfhost/pivot/place-bootstrap.js";
import { endCopies, removeCopies } from "../../selfhost/remove-copies.js";
import { type Step, skip } from "../operation.js";
import { pivotOf } from "../pivot.js";
import type { StartState } from "../start-state.js";

/**
 * A self-hosted control plane dies of expired certificates for good: new ones reach its pods through the API, which is among
 * them, and the copies on the nodes' disks have the old ones too. What helps is a bootstrap control plane with new ones, the
 * Secrets, and pods that are started anew.
 */

const { apiServer } = workloadNames;
const servingCertificate = "pki/apiserver.crt";

/** Takes copies away that could never serve, and would answer in the place of those that can. @returns the nodes that had some */
async function removeExpiredCopies({ plan, driver }: StartState, context: Context): Promise<string[]> {
  const cluster = plan.spec.metadata.name;
  const path = `${places.kubernetes}/checkpoint-secrets/kube-system/${apiServer}/${filesVolume}/${servingCertificate}`;
  const found = await Promise.all(
    controlPlaneNodes(plan.spec).map(async ({ name }) => {
      const exec = (command: string[]) => driver.exec(cluster, name, command, { signal: context.signal });
      const { stdout } = await exec(["/bin/sh", "-c", `cat ${path} 2>/dev/null || true`]);
      if (!isExpired(stdout, context)) return [];
      await endCopies({ exec }, context.signal);
      await removeCopies({ exec }, context.signal);
      return [name];
    }),
  );
  return found.flat();
}

/** Or will be valid some day: made with a clock that was ahead. */
function isExpired(pem: string, { clock }: Context): boolean {
  if (pem.trim() === "") return false;
  const { expired, notYetValid } = inspectCertificate(pem, clock.now());
  return expired || notYetValid;
}

export const dropExpiredCopies: Step<StartState> = {
  id: "drop-expired-copies",
  title: "Expired checkpoints",
  async run(state, context) {
    const nodes = await removeExpiredCopies(state, context);
    return nodes.length === 0 ? skip("there are none") : `of ${nodes.join(", ")}`;
  },
};

/** For a start: nobody but a bootstrap control plane could serve. */
export const bridgeExpiry: Step<StartState> = {
  id: "bridge-expiry",
  title: "Expired control plane",
  async run(state, context) {
    const nodes = await removeExpiredCopies(state, context);
    if (nodes.length === 0) return skip("it has not expired");
    const pivot = pivotOf(state, context);
    if (!(await isPivoting(pivot)))
      await placeBootstrap(pivot.host, state.plan.bootstrap ?? [], state.material!, context.signal);
    return nodes.join(", ");
  },
};

/** Pods with expired certificates begin anew with those of today. The API is served by somebody else meanwhile. */
export const replaceExpiredPods: Step<StartState> = {
  id: "replace-expired-pods",
  title: "New certificates",
  async run({ plan, client, material }, context) {
    const { signal } = context;
    const kubeSystem = "/api/v1/namespaces/kube-system";
    const secret = await client!.find<{ data?: Record<string, string> }>(
      `${kubeSystem}/secrets/${apiServer}`,
      {
        signal,
      },
    );
    const pem = secret?.data?.["apiserver.crt"];
    if (!pem || !isExpired(Buffer.from(pem, "base64").toString("utf8"), context))
      return skip("none has expired");
    const secrets = controlPlaneObjects(plan).filter(({ kind }) => kind === "Secret");
    await applyObjects(client!, sealObjects(secrets, material!), { signal });
    const labelSelector = `k8s-app in (${apiServer},${checkpointerName})`;
    const { items } = await client!.list<Pod>({ path: `${kubeSystem}/pods`, labelSelector }, { signal });
    const pods = items.filter(({ metadata }) =>
      metadata?.ownerReferences?.some(({ kind }) => kind === "DaemonSet"),
    );
    for (const { metadata } of pods) {
      await client!.request({
        method: "DELETE",
        path: `${kubeSystem}/pods/${metadata?.name}`,
        body: { gracePeriodSeconds: 0 },
        signal,
      });
    }
    return `for ${pods.length} pods`;
  },
};
