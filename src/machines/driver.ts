import type { EventSink } from "../base/events.js";
import type { RunOptions, RunResult } from "../base/run.js";
import type { IgnitionConfig } from "../ignition/config.js";

/**
 * The life of a machine:
 *
 *   (nothing) ──create──▶ stopped ──start──▶ running ──pause──▶ paused
 *                            ▲                  │  ▲               │
 *                            └──────stop────────┘  └────resume─────┘
 *   any state ──delete──▶ (nothing)
 *
 * Every verb is idempotent: asked for the state that a machine is in already, it does nothing. A machine is `broken` when
 * a create was cut short: start refuses it, create finishes it, delete removes it.
 */
export type MachineState = "stopped" | "running" | "paused" | "broken";

export interface MachineMount {
  /** Absolute path on the host; must exist. */
  host: string;
  /** Absolute path in the node. */
  node: string;
  readOnly: boolean;
}

export interface PublishedPort {
  /** @default "127.0.0.1": a port is only open to the network when the user says so. */
  hostAddress: string;
  hostPort: number;
  nodePort: number;
  protocol: "tcp" | "udp";
}

/** The network that a cluster's machines share. */
export interface ClusterNetwork {
  cluster: string;
  /** CIDR of the machines, e.g. `10.77.0.0/24`. */
  nodeSubnet: string;
  /** The host's own address in it: the machines' gateway. */
  gateway: string;
  /** CIDR of all pods; each machine routes its own part of it. */
  podSubnet: string;
}

/** A machine as it should be. */
export interface MachineSpec {
  cluster: string;
  /** Unique in the cluster; also the host name. */
  name: string;
  role: "control-plane" | "worker";
  /** IPv4 address inside the cluster network's node subnet. */
  address: string;
  /** The pods' CIDR that the host routes to this machine; undefined when the CNI has an overlay of its own. */
  podCidr?: string;
  /** Read-only trees that make up the root, uppermost first: components over the node image. */
  layers: string[];
  /** Written into the root before the first boot. */
  config: IgnitionConfig;
  /** Bytes; undefined: no limit. */
  memoryBytes?: number;
  /** CPUs, e.g. 1.5; undefined: no limit. */
  cpus?: number;
  mounts: MachineMount[];
  ports: PublishedPort[];
  /**
   * Directories that live on a real disk of the host instead of in the root's overlay (overlayfs on overlayfs fails), kept
   * across stop and start. `seed` is a tree that the volume starts as a copy of.
   */
  volumes: { path: string; seed?: string }[];
}

/** A machine as it is: read from the machine itself, never from a file beside it that could drift. */
export interface Machine {
  cluster: string;
  name: string;
  role: "control-plane" | "worker";
  /** Empty while `broken`: not known yet. */
  address: string;
  state: MachineState;
  /** Process id of its init on the host; only while running or paused. */
  pid?: number;
}

/** One thing that a driver needs of the host. */
export interface Check {
  /** Stable id, e.g. `cgroup`, `overlayfs`, `port-6443`. */
  name: string;
  status: "ok" | "warning" | "failed";
  /** What was found: a fact, not a judgement. */
  found: string;
  /** What to do about it: a command where there is one. Present unless `ok`. */
  fix?: string;
}

export interface DriverContext {
  signal?: AbortSignal;
  events?: EventSink;
}

/** What a preflight looks at, beside the host itself. */
export interface PreflightRequest {
  network?: ClusterNetwork;
  ports?: PublishedPort[];
  mounts?: MachineMount[];
  memoryBytes?: number;
}

/** Makes, starts, stops and deletes machines of one kind. One contract suite runs against every driver. */
export interface MachineDriver {
  readonly name: string;

  /** Looks at the host; writes nothing; ends within 2 s. */
  preflight(request: PreflightRequest, context?: DriverContext): Promise<Check[]>;

  /** Makes the cluster's network if it is not there, and brings back what a reboot of the host took. */
  ensureNetwork(network: ClusterNetwork, context?: DriverContext): Promise<void>;
  /** To be called when the cluster's machines are deleted: takes down what they shared. */
  deleteNetwork(cluster: string, context?: DriverContext): Promise<void>;

  /** Lays a machine out, config applied, not started. @throws `MACHINE_EXISTS` when one of other layers or address exists. */
  create(spec: MachineSpec, context?: DriverContext): Promise<Machine>;
  /**
   * Gives an existing machine the spec's config: written into its root at once, running or not; what runs is not restarted.
   * A stopped machine takes the spec's layers, limits, mounts and ports too, and files that lay over those of a new uppermost layer
   * go; a running one keeps its own until it stops.
   * Volumes and their contents stay. @throws `MACHINE_NOT_FOUND`; `MACHINE_EXISTS` for another role, address or pod CIDR
   */
  configure(spec: MachineSpec, context?: DriverContext): Promise<void>;
  /**
   * Starts a stopped machine, resumes a paused one; what a reboot of the host took of the network comes back with it.
   * Ends when init runs, not when the machine is up.
   * @throws `MACHINE_NOT_FOUND`, `MACHINE_FAILED`, `PORT_IN_USE`
   */
  start(cluster: string, name: string, context?: DriverContext): Promise<Machine>;
  /** Asks a running or paused machine to power off, and pulls the plug after `graceMs`. @default graceMs 10_000 */
  stop(cluster: string, name: string, options?: { graceMs?: number }, context?: DriverContext): Promise<void>;
  /** @throws `MACHINE_NOT_FOUND`, `MACHINE_NOT_RUNNING` */
  pause(cluster: string, name: string, context?: DriverContext): Promise<void>;
  /** @throws `MACHINE_NOT_FOUND`, `MACHINE_NOT_RUNNING` */
  resume(cluster: string, name: string, context?: DriverContext): Promise<void>;
  /**
   * Where machines want more of the host's processors than there is, this one gets `weight` times as much as another, until it stops.
   * @param weight 1 to 100; a machine starts with 1
   * @throws `MACHINE_NOT_FOUND`, `MACHINE_NOT_RUNNING`
   */
  weigh(cluster: string, name: string, weight: number, context?: DriverContext): Promise<void>;
  /** Removes the machine and all that it kept, in whatever state it is. */
  delete(cluster: string, name: string, context?: DriverContext): Promise<void>;

  /**
   * Runs a command in a running machine; `cwd` and `env` are the node's. Values of `env` are seen in the host's process
   * list: secrets go through `input`.
   * @throws `MACHINE_NOT_FOUND`, `MACHINE_NOT_RUNNING`, and as `run`
   */
  exec(cluster: string, name: string, command: string[], options?: RunOptions): Promise<RunResult>;
  /** The same on this process's terminal; gives back the exit code. */
  execInteractive(
    cluster: string,
    name: string,
    command: string[],
    /** `env` (TERM …) adds to the node's own environment. */
    options?: { env?: Record<string, string | undefined>; signal?: AbortSignal },
  ): Promise<number>;
  /**
   * Copies a file or directory of the host into a running machine, as `cp -R` does: into `nodePath` if that is a directory
   * or ends in a slash, else under that name; parents are made. Files belong to root, modes stay.
   */
  copyIn(
    cluster: string,
    name: string,
    hostPath: string,
    nodePath: string,
    context?: DriverContext,
  ): Promise<void>;
  /** The other way round, into the caller's ownership. Nothing that the machine sends lands outside of `hostPath`. */
  copyOut(
    cluster: string,
    name: string,
    nodePath: string,
    hostPath: string,
    context?: DriverContext,
  ): Promise<void>;

  /**
   * Replaces the ports that the host publishes for a machine: at once when it runs, else with its next start.
   * @throws `PORT_IN_USE` naming the holder
   */
  publishPorts(cluster: string, name: string, ports: PublishedPort[], context?: DriverContext): Promise<void>;

  /** One machine; undefined when there is none of that name. */
  inspect(cluster: string, name: string): Promise<Machine | undefined>;
  /** All machines of a cluster, or of all clusters, by cluster and name. */
  list(cluster?: string): Promise<Machine[]>;
}
