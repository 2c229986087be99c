import { SlipwayError } from "../../base/errors.js";
import type { ClusterNetwork, MachineMount, MachineSpec, PublishedPort } from "../driver.js";

/** What a machine's bundle remembers of how it was asked for: kept as annotations of its OCI config. */
export interface MachineRecord {
  cluster: string;
  name: string;
  role: "control-plane" | "worker";
  address: string;
  podCidr?: string;
  network: ClusterNetwork;
  layers: string[];
  /** Paths in the node of the directories that live beside the root. */
  volumes: string[];
  mounts: MachineMount[];
  ports: PublishedPort[];
  memoryBytes?: number;
  cpus?: number;
}

const prefix = "slipway.dev/";

/** OCI annotations are strings: plain ones as they are, the rest as JSON. */
export function recordToAnnotations(record: MachineRecord): Record<string, string> {
  return {
    [`${prefix}cluster`]: record.cluster,
    [`${prefix}node`]: record.name,
    [`${prefix}role`]: record.role,
    [`${prefix}address`]: record.address,
    ...(record.podCidr === undefined ? {} : { [`${prefix}pod-cidr`]: record.podCidr }),
    ...(record.memoryBytes === undefined ? {} : { [`${prefix}memory-bytes`]: String(record.memoryBytes) }),
    ...(record.cpus === undefined ? {} : { [`${prefix}cpus`]: String(record.cpus) }),
    [`${prefix}network`]: JSON.stringify(record.network),
    [`${prefix}layers`]: JSON.stringify(record.layers),
    [`${prefix}volumes`]: JSON.stringify(record.volumes),
    [`${prefix}mounts`]: JSON.stringify(record.mounts),
    [`${prefix}ports`]: JSON.stringify(record.ports),
  };
}

/** @throws {SlipwayError} `STATE_CORRUPT` when one that must be there is missing or unreadable. */
export function recordFromAnnotations(annotations: Record<string, string>, where: string): MachineRecord {
  const text = (key: string): string => {
    const value = annotations[prefix + key];
    if (value === undefined) throw corrupt(where, `it lacks the annotation ${prefix}${key}`);
    return value;
  };
  const json = <T>(key: string): T => {
    try {
      return JSON.parse(text(key)) as T;
    } catch (cause) {
      throw corrupt(where, `its annotation ${prefix}${key} is not JSON`, cause);
    }
  };
  const podCidr = annotations[`${prefix}pod-cidr`];
  const memoryBytes = annotations[`${prefix}memory-bytes`];
  const cpus = annotations[`${prefix}cpus`];
  return {
    cluster: text("cluster"),
    name: text("node"),
    role: text("role") === "worker" ? "worker" : "control-plane",
    address: text("address"),
    ...(podCidr === undefined ? {} : { podCidr }),
    ...(memoryBytes === undefined ? {} : { memoryBytes: Number(memoryBytes) }),
    ...(cpus === undefined ? {} : { cpus: Number(cpus) }),
    network: json<ClusterNetwork>("network"),
    layers: json<string[]>("layers"),
    volumes: json<string[]>("volumes"),
    mounts: json<MachineMount[]>("mounts"),
    ports: json<PublishedPort[]>("ports"),
  };
}

export const recordOf = (spec: MachineSpec, network: ClusterNetwork): MachineRecord => ({
  cluster: spec.cluster,
  name: spec.name,
  role: spec.role,
  address: spec.address,
  ...(spec.podCidr === undefined ? {} : { podCidr: spec.podCidr }),
  ...(spec.memoryBytes === undefined ? {} : { memoryBytes: spec.memoryBytes }),
  ...(spec.cpus === undefined ? {} : { cpus: spec.cpus }),
  network,
  layers: spec.layers,
  volumes: spec.volumes.map((volume) => volume.path),
  mounts: spec.mounts,
  ports: spec.ports,
});

const corrupt = (where: string, why: string, cause?: unknown): SlipwayError =>
  new SlipwayError("STATE_CORRUPT", `${where} does not describe a machine: ${why}`, {
    hint: "delete the node and add it again",
    ...(cause === undefined ? {} : { cause }),
  });
