import { SlipwayError } from "../../base/errors.js";

/** Where a control plane is brought back from: the least that helps first. */
export const recoverySources = ["api", "etcd", "snapshot", "checkpoints"] as const;
export type RecoverySource = (typeof recoverySources)[number];

/**
 * What a member of etcd has of a cluster. holds: its control plane's objects. empty: it answers, and has none of them. silent: it
 * has data, and does not answer. none: it does not answer, and has no data.
 */
export type EtcdContents = "holds" | "empty" | "silent" | "none";

/** What is left of a cluster after a loss. */
export interface WhatIsLeft {
  cluster: string;
  /** Control-plane machines that are there. */
  machines: readonly string[];
  /** An API server answers, and what it serves are this cluster's objects. */
  api: boolean;
  /** The best of what the members have. */
  etcd: EtcdContents;
  /** There is a snapshot of it, on the host or a node. */
  snapshot: boolean;
  /** The nodes that have a copy of the API server on their disks. */
  checkpoints: readonly string[];
}

/**
 * What runs first, then what is on disks, then what is older. An etcd that is empty counts as lost: with its data gone a member
 * begins anew, and copies of an API server serve the nothing that is in it.
 *
 * @throws {SlipwayError} `RECOVERY_IMPOSSIBLE`, with what was found
 */
export function chooseSource(left: WhatIsLeft): RecoverySource {
  if (left.api) return "api";
  if (left.etcd === "holds") return "etcd";
  if (left.snapshot) return "snapshot";
  if (left.checkpoints.length > 0 && left.etcd !== "silent") return "checkpoints";
  throw nothingLeft(left);
}

const etcdText: Record<EtcdContents, string> = {
  holds: "it has the cluster's objects",
  empty: "it answers, and has nothing of the cluster",
  silent: "it has data, and does not answer",
  none: "it has no data",
};

function nothingLeft({ cluster, machines, etcd, checkpoints }: WhatIsLeft): SlipwayError {
  const kept = "name a snapshot that you kept elsewhere: --snapshot FILE";
  const anew = `slipway delete -p ${cluster}, then slipway start -p ${cluster}`;
  const [first] = machines;
  if (first === undefined) {
    return new SlipwayError("RECOVERY_IMPOSSIBLE", `${cluster}: no machine and no snapshot is left`, {
      hint: `${kept}; or make the cluster anew: ${anew}`,
    });
  }
  const details = {
    etcd: etcdText[etcd],
    checkpoints: checkpoints.length > 0 ? `on ${checkpoints.join(", ")}` : "none on the nodes' disks",
  };
  if (etcd === "silent") {
    return new SlipwayError(
      "RECOVERY_IMPOSSIBLE",
      `${cluster}: etcd does not answer, and there is no snapshot`,
      {
        details,
        hint: `what keeps it: slipway logs -p ${cluster} -n ${first} --unit etcd; ${kept}`,
      },
    );
  }
  return new SlipwayError(
    "RECOVERY_IMPOSSIBLE",
    `${cluster}: etcd's data are gone, and no snapshot and no checkpoint is left`,
    {
      details,
      hint: `${kept}; or begin with no objects but slipway's own: --from etcd, or ${anew}`,
    },
  );
}
