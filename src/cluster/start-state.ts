import type { KubeClient } from "../kube/client.js";
import type { MachineDriver } from "../machines/driver.js";
import type { Material } from "../plan/material.js";
import type { ClusterPlan, PlannedNode } from "../plan/plan.js";
import type { EtcdSource } from "./etcd-data.js";
import type { Profile } from "./profile.js";
import type { ComponentOptions, NodeSoftware } from "./software.js";
import type { WaitFor } from "./wait-for.js";

export interface StartOptions {
  profile: Profile;
  waitFor: ReadonlySet<WaitFor>;
  /** For each thing that is waited for. */
  waitTimeoutMs: number;
  /** The user's kubeconfig files, as `KUBECONFIG` lists them. */
  kubeconfigFiles: string[];
  /** Leave the current context of the user's kubeconfig as it is. */
  keepContext: boolean;
  components: ComponentOptions;
}

/** What the steps of a start hand on to each other. */
export interface StartState {
  options: StartOptions;
  plan: ClusterPlan;
  driver: MachineDriver;
  software?: NodeSoftware;
  material?: Material;
  client?: KubeClient;
  /** What the etcd of machines that are made now starts from; undefined: they are of a new cluster. */
  etcdSource?: EtcdSource;
  /** Control-plane nodes whose etcd has to join the others'. */
  joining: PlannedNode[];
  /** When the control plane was switched on by this start: all of it. */
  bootedAt?: Date;
  /** Machines that were paused go on: their leaders, too. */
  resumed?: boolean;
  /** Nodes that were switched on, or made, while the control plane was up; and when. */
  added?: { nodes: string[]; since: Date };
  /** When the nodes that ran were given certificates made anew. */
  renewedAt?: Date | undefined;
}
