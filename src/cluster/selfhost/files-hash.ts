import type { KubeClient } from "../../kube/client.js";
import type { KubeObject } from "../../plan/kube-object.js";
import type { Material } from "../../plan/material.js";
import type { ClusterPlan } from "../../plan/plan.js";
import { sealObjects } from "../../plan/secrets.js";
import { filesHashAnnotation } from "../../plan/selfhosted/workloads.js";
import { findWorkload, type WorkloadRef, workloadPath } from "../../selfhost/rollout.js";

const hashOf = ({ spec }: KubeObject): string | undefined =>
  (spec as { template?: { metadata?: { annotations?: Record<string, string> } } } | undefined)?.template
    ?.metadata?.annotations?.[filesHashAnnotation];

export const hasFilesHash = (object: KubeObject): boolean => hashOf(object) !== undefined;

/**
 * Rolls out the workloads whose Secrets have changed since their pods read them, and changes nothing else of theirs: flags and
 * images are as they are.
 *
 * @returns those that roll
 */
export async function rollChangedFiles(
  { client, plan, material }: { client: KubeClient; plan: ClusterPlan; material: Material },
  signal: AbortSignal,
): Promise<WorkloadRef[]> {
  const objects = plan.objects.flatMap((group) => group.objects).filter(hasFilesHash);
  const rolling: WorkloadRef[] = [];
  for (const object of sealObjects(objects, material)) {
    const workload: WorkloadRef = { kind: object.kind as WorkloadRef["kind"], name: object.metadata.name };
    const live = await findWorkload(client, workload, signal);
    const hash = hashOf(object)!;
    if (!live || live.spec?.template.metadata?.annotations?.[filesHashAnnotation] === hash) continue;
    await client.call({
      method: "PATCH",
      path: workloadPath(workload),
      contentType: "application/merge-patch+json",
      body: { spec: { template: { metadata: { annotations: { [filesHashAnnotation]: hash } } } } },
      signal,
    });
    rolling.push(workload);
  }
  return rolling;
}
