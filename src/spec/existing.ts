import { SlipwayError } from "../base/errors.js";
import { type ClusterSpec, controlPlaneCount } from "./cluster-spec.js";

interface Fixed {
  field: string;
  value: (spec: ClusterSpec) => string;
  /** What to do, if there is something short of a new cluster. */
  fix?: (existing: ClusterSpec, asked: ClusterSpec) => string;
}

const controlPlaneFlag = (existing: ClusterSpec, asked: ClusterSpec): string =>
  controlPlaneCount(asked.nodes) > controlPlaneCount(existing.nodes) ? " --control-plane" : "";

const nodeList = (spec: ClusterSpec): string =>
  spec.nodes.map(({ name, role }) => `${name} (${role})`).join(", ");

const anew = (profile: string, field: string): string =>
  `leave ${field} as it is, or make the cluster anew: slipway delete -p ${profile}, then start`;

/** A control plane of pods can move. */
const movesOf: Record<string, (profile: string) => string> = {
  "static to selfhosted": (profile) => `slipway selfhost pivot -p ${profile}`,
  "selfhosted to static": (profile) => `slipway selfhost unpivot -p ${profile}`,
};

/** What a cluster keeps for its life. */
const fixed: readonly Fixed[] = [
  { field: "metadata.name", value: (spec) => spec.metadata.name },
  {
    field: "kubernetesVersion",
    value: (spec) => spec.kubernetesVersion,
    fix: ({ metadata: { name }, bootstrapper }, asked) =>
      bootstrapper === "selfhosted"
        ? `slipway selfhost upgrade -p ${name} --to ${asked.kubernetesVersion}`
        : anew(name, "kubernetesVersion"),
  },
  { field: "driver", value: (spec) => spec.driver },
  {
    field: "bootstrapper",
    value: (spec) => spec.bootstrapper,
    fix: ({ metadata: { name }, bootstrapper }, asked) =>
      movesOf[`${bootstrapper} to ${asked.bootstrapper}`]?.(name) ?? anew(name, "bootstrapper"),
  },
  { field: "containerRuntime", value: (spec) => spec.containerRuntime },
  {
    field: "nodes",
    value: nodeList,
    fix: (existing, asked) =>
      asked.nodes.length > existing.nodes.length ||
      controlPlaneCount(asked.nodes) > controlPlaneCount(existing.nodes)
        ? `slipway node add -p ${existing.metadata.name}${controlPlaneFlag(existing, asked)}`
        : `slipway node delete -p ${existing.metadata.name} NAME`,
  },
  { field: "network.cni", value: ({ network: { cni } }) => (typeof cni === "string" ? cni : cni.manifest) },
  { field: "network.podSubnet", value: (spec) => spec.network.podSubnet },
  { field: "network.serviceSubnet", value: (spec) => spec.network.serviceSubnet },
  { field: "network.nodeSubnet", value: (spec) => spec.network.nodeSubnet },
  { field: "network.dnsDomain", value: (spec) => spec.network.dnsDomain },
  { field: "apiServer.port", value: (spec) => String(spec.apiServer.port) },
];

/**
 * Refuses a change of what a cluster keeps for its life.
 *
 * @throws {SlipwayError} `PROFILE_EXISTS` naming each such field, what it is and what was asked for.
 */
export function refuseChanges(existing: ClusterSpec, asked: ClusterSpec): void {
  const changed = fixed.filter(({ value }) => value(existing) !== value(asked));
  const [first, ...others] = changed;
  if (!first) return;
  const profile = existing.metadata.name;
  throw new SlipwayError(
    "PROFILE_EXISTS",
    `cluster ${profile} exists with ${first.field} ${first.value(existing)}; it cannot become ${first.value(asked)}`,
    {
      hint: first.fix?.(existing, asked) ?? anew(profile, first.field),
      details: Object.fromEntries(
        others.map(({ field, value }) => [field, `${value(existing)}, asked for ${value(asked)}`]),
      ),
    },
  );
}
