import type { ClusterSpec } from "./cluster-spec.js";

/** What a spec depends on beside what the user wrote. */
export interface ResolveFacts {
  /** Kubernetes versions that the catalog has, with or without `v`. */
  supportedVersions: readonly string[];
  defaultVersion: string;
  /** Ranges that the host's routes and interfaces and other profiles use: `10.0.0.0/24`, `192.168.1.7/24`. */
  takenSubnets: readonly string[];
  /** The profile's spec, when there is one: it fills the form's gaps. */
  existing?: ClusterSpec;
  /** For `max`, and to refuse more than there is. */
  hostMemoryBytes?: number;
  hostCpus?: number;
  /** Absolute directory that a relative path of a CNI manifest is meant from. @default "/" */
  workingDirectory?: string;
}
