import { SlipwayError } from "../../base/errors.js";
import { daemonSetReady, deploymentAvailable } from "../../kube/conditions.js";
import { podsReadyByName } from "../../kube/pod-conditions.js";
import type { KubeObject } from "../../plan/kube-object.js";
import { workloadNames } from "../../plan/selfhosted/workloads.js";
import type { RequiredWorkload } from "../pivot/pivot.js";
import type { AssetObject } from "./assets.js";

/** bootkube's four. */
export const defaultRequiredPods = ["pod-checkpointer", ...Object.values(workloadNames)].map(
  (name) => `kube-system/${name}`,
);

export interface RequiredPods {
  required: RequiredWorkload[];
  /** Of the usual four, what the assets do not hold. */
  left: string[];
}

/**
 * What must be ready before the pivot. A workload of the assets is as its controller reports it; anything else is the pods whose
 * names begin so.
 *
 * @param wanted `namespace/name` each; undefined: those of the usual four that the assets hold
 * @throws {SlipwayError} `USAGE` for another form; `CONFIG_INVALID` for a control plane that has parts missing
 */
export function requiredPods(
  wanted: readonly string[] | undefined,
  manifests: readonly AssetObject[],
): RequiredPods {
  const held = (namespace: string, name: string): KubeObject | undefined =>
    manifests.find(
      ({ object: { kind, metadata } }) =>
        (kind === "DaemonSet" || kind === "Deployment") &&
        metadata.name === name &&
        (metadata.namespace ?? "default") === namespace,
    )?.object;
  const required: RequiredWorkload[] = [];
  const left: string[] = [];
  const apiServer = `kube-system/${workloadNames.apiServer}`;
  // Whatever else is wanted: it is what takes over.
  for (const text of new Set([...(wanted ?? defaultRequiredPods), apiServer])) {
    const [namespace = "", name = "", ...more] = text.split("/");
    if (namespace === "" || name === "" || more.length > 0) {
      throw new SlipwayError("USAGE", `--required-pods: "${text}" is not namespace/name`, {
        hint: `--required-pods=${defaultRequiredPods.join(",")}`,
      });
    }
    const workload = held(namespace, name);
    if (!workload && wanted === undefined) {
      if (name !== "pod-checkpointer") throw lacking(text);
      left.push(text);
    } else required.push({ namespace, name, condition: conditionOf(workload, namespace, name) });
  }
  return { required, left };
}

function conditionOf(workload: KubeObject | undefined, namespace: string, name: string) {
  if (workload?.kind === "DaemonSet") return daemonSetReady(namespace, name);
  if (workload?.kind === "Deployment") return deploymentAvailable(namespace, name);
  return podsReadyByName(namespace, name);
}

const lacking = (workload: string) =>
  new SlipwayError(
    "CONFIG_INVALID",
    `no file of manifests/ has ${workload}, which the cluster cannot do without`,
    {
      hint: "slipway selfhost render --overwrite writes it again; or say what is to be waited for: --required-pods",
    },
  );
