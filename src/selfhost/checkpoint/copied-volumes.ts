import type { Pod } from "../../kube/wire.js";
import { type Reference, type ReferencedObjects, referenceKey } from "./references.js";
import type { Workload } from "./workload.js";

type Volume = NonNullable<NonNullable<Pod["spec"]>["volumes"]>[number];
type Projection = NonNullable<NonNullable<Volume["projected"]>["sources"]>[number];
type Item = { key: string; path: string; mode?: number };

/** A directory of files that stands in for a volume of API objects. */
export interface DataDirectory {
  /** Absolute, on the node. */
  path: string;
  /** The pod's fsGroup, which kubelets let read such volumes. */
  group?: number;
  files: DataFile[];
}

export interface DataFile {
  /** Inside the directory; may have directories of its own. */
  path: string;
  contents: Buffer;
  mode: number;
}

export interface CopiedVolumes {
  volumes: Volume[];
  directories: DataDirectory[];
  /** Names of volumes that were read-only by their kind and must be so as directories. */
  readOnly: Set<string>;
  refusals: string[];
}

/** Volumes that need no API (`podutil.HasAPIObjectReference`). */
const independent = ["hostPath", "emptyDir", "downwardAPI", "image", "nfs"] as const;

const defaultFileMode = 0o644;

/** A pod's volumes as a static pod may have them. Pure. */
export function copiedVolumes(
  spec: NonNullable<Pod["spec"]>,
  { namespace, name }: Workload,
  objects: ReferencedObjects,
  directory: string,
): CopiedVolumes {
  const result: CopiedVolumes = { volumes: [], directories: [], readOnly: new Set(), refusals: [] };
  const group = spec.securityContext?.fsGroup;
  for (const volume of spec.volumes ?? []) {
    if (independent.some((kind) => volume[kind] !== undefined) || isDownwardOnly(volume)) {
      result.volumes.push(structuredClone(volume));
      continue;
    }
    const projections = projectionsOf(volume);
    if (projections === undefined) {
      const kind = Object.keys(volume).find((key) => key !== "name") ?? "unknown kind";
      result.refusals.push(`its volume ${volume.name} (${kind}) needs the API`);
      continue;
    }
    const files = new Map<string, DataFile>();
    for (const projection of projections.sources) {
      const { refusal, projected } = project(projection, objects, projections.defaultMode, group);
      if (refusal !== undefined) result.refusals.push(`its volume ${volume.name}: ${refusal}`);
      // As the kubelet does it: a later source wins.
      for (const file of projected) files.set(file.path, file);
    }
    const isSecret = projections.sources.some(({ reference }) => reference?.kind === "Secret");
    const path = [
      directory,
      isSecret ? "checkpoint-secrets" : "checkpoint-configmaps",
      namespace,
      name,
      volume.name,
    ].join("/");
    result.directories.push({ path, files: [...files.values()], ...(group === undefined ? {} : { group }) });
    result.volumes.push({ name: volume.name, hostPath: { path, type: "Directory" } });
    result.readOnly.add(volume.name);
  }
  return result;
}

interface ObjectProjection {
  reference?: Reference;
  items?: Item[];
  optional: boolean;
  /** Why this source cannot be had. */
  refusal?: string;
}

const isDownwardOnly = ({ projected }: Volume): boolean =>
  projected?.sources?.every(({ downwardAPI }) => downwardAPI !== undefined) ?? false;

/** undefined: a volume that is not made of Secrets and ConfigMaps. */
function projectionsOf({
  secret,
  configMap,
  projected,
}: Volume): { sources: ObjectProjection[]; defaultMode: number } | undefined {
  if (secret)
    return {
      sources: [objectProjection("Secret", { ...secret, name: secret.secretName })],
      defaultMode: secret.defaultMode ?? defaultFileMode,
    };
  if (configMap)
    return {
      sources: [objectProjection("ConfigMap", configMap)],
      defaultMode: configMap.defaultMode ?? defaultFileMode,
    };
  if (projected)
    return {
      sources: (projected.sources ?? []).map(projectedSource),
      defaultMode: projected.defaultMode ?? defaultFileMode,
    };
  return undefined;
}

function projectedSource(source: Projection): ObjectProjection {
  if (source.secret) return objectProjection("Secret", source.secret);
  if (source.configMap) return objectProjection("ConfigMap", source.configMap);
  const kind = Object.keys(source)[0] ?? "unknown source";
  const hint =
    kind === "serviceAccountToken"
      ? ": set automountServiceAccountToken: false and give the pod a client certificate"
      : "";
  return { optional: false, refusal: `${kind} needs the API${hint}` };
}

const objectProjection = (
  kind: Reference["kind"],
  source: { name?: string | undefined; items?: Item[]; optional?: boolean },
): ObjectProjection => ({
  reference: { kind, name: source.name ?? "" },
  ...(source.items === undefined ? {} : { items: source.items }),
  optional: source.optional ?? false,
});

function project(
  { reference, items, optional, refusal }: ObjectProjection,
  objects: ReferencedObjects,
  defaultMode: number,
  group: number | undefined,
): { projected: DataFile[]; refusal?: string } {
  if (refusal !== undefined || reference === undefined)
    return { projected: [], refusal: refusal ?? "unknown source" };
  const data = objects.get(referenceKey(reference));
  if (data === undefined) {
    return optional
      ? { projected: [] }
      : { projected: [], refusal: `${reference.kind} ${reference.name} does not exist` };
  }
  // The kubelet lets the fsGroup read (volume.SetVolumeOwnership), whatever the mode says.
  const withGroup = (mode: number) => (group === undefined ? mode : mode | 0o440);
  const wanted: Item[] = items ?? [...data.keys()].map((key) => ({ key, path: key }));
  const projected: DataFile[] = [];
  for (const { key, path, mode } of wanted) {
    const contents = data.get(key);
    if (contents === undefined) {
      if (optional) continue;
      return { projected: [], refusal: `${reference.kind} ${reference.name} has no key ${key}` };
    }
    if (!isInside(path)) return { projected: [], refusal: `the path ${path} leads out of it` };
    projected.push({ path, contents, mode: withGroup(mode ?? defaultMode) });
  }
  return { projected };
}

/** The API server has checked it; but it is where a file of root's is written. */
const isInside = (path: string): boolean =>
  path !== "" &&
  !path.includes("\0") &&
  path.split("/").every((part) => part !== "" && part !== "." && !part.startsWith(".."));
