import { stringify } from "yaml";
import { SlipwayError } from "../base/errors.js";
import type { KubeClient } from "../kube/client.js";
import type { Pod } from "../kube/wire.js";
import { staticPodsPath, staticVolumePath } from "../plan/selfhosted/static.js";
import { objectData, type Reference, referenceKey, referencesOf } from "./checkpoint/references.js";
import { type StaticPod, staticCopy } from "./checkpoint/static-copy.js";
import type { NodeFile } from "./node-files.js";
import { findWorkload, type WorkloadRef } from "./rollout.js";

/** A workload of the cluster as a static pod of a node. */
export interface StaticWorkload extends WorkloadRef {
  pod: StaticPod;
  files: NodeFile[];
}

export const manifestOf = ({ pod }: StaticWorkload): string => stringify(pod);

const namespace = "kube-system";

/**
 * A live workload as a static pod, with what is in its Secrets and ConfigMaps.
 *
 * @param volumePath where on a node the files of a volume are
 * @returns undefined when there is no such workload
 * @throws {SlipwayError} `CONTROL_PLANE_NOT_READY` for one that no kubelet could run without an API server, with the reasons
 */
export async function staticWorkload(
  client: KubeClient,
  workload: WorkloadRef,
  signal: AbortSignal,
  volumePath: (workload: string, volume: string) => string = staticVolumePath,
): Promise<StaticWorkload | undefined> {
  const live = await findWorkload(client, workload, signal);
  if (!live?.spec) return undefined;
  const pod = { ...live.spec.template } as Pod;
  const objects = new Map<string, ReadonlyMap<string, Buffer>>();
  for (const reference of referencesOf(pod)) {
    const data = await readData(client, reference, signal);
    if (data) objects.set(referenceKey(reference), data);
  }
  const result = staticCopy(pod, { ...workload, namespace }, objects, {
    directory: staticPodsPath,
    isSelf: false,
  });
  if ("refusals" in result) {
    throw new SlipwayError(
      "CONTROL_PLANE_NOT_READY",
      `${workload.name} cannot be a static pod: ${result.refusals.join("; ")}`,
      {
        hint: `change that first: slipway kubectl -- -n ${namespace} edit ${workload.kind} ${workload.name}`,
      },
    );
  }
  const { manifest, directories } = result.copy;
  // Its own place: it is no checkpoint, which the checkpointer would take away.
  const places = new Map(
    (manifest.spec.volumes ?? []).flatMap(({ name, hostPath }) =>
      directories.some(({ path }) => path === hostPath?.path)
        ? [[hostPath!.path, volumePath(workload.name, name)] as const]
        : [],
    ),
  );
  for (const { hostPath } of manifest.spec.volumes ?? [])
    if (hostPath) hostPath.path = places.get(hostPath.path) ?? hostPath.path;
  return {
    ...workload,
    pod: { ...manifest, metadata: { ...manifest.metadata, annotations: {} } },
    files: directories.flatMap(({ path, files }) =>
      files.map((file) => ({
        path: `${places.get(path)}/${file.path}`,
        contents: file.contents,
        mode: file.mode & 0o600,
      })),
    ),
  };
}

async function readData(
  client: KubeClient,
  { kind, name }: Reference,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Buffer> | undefined> {
  const resource = kind === "Secret" ? "secrets" : "configmaps";
  const found = await client.find<Parameters<typeof objectData>[1]>(
    `/api/v1/namespaces/${namespace}/${resource}/${name}`,
    { signal },
  );
  return found && objectData(kind, found);
}
