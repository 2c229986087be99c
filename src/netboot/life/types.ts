/** A machine's life with this server, from the first packet on. Times are ISO 8601, MACs in lower case with colons. */

/**
 *   discovered ── approve ──▶ approved ── boot ──▶ provisioning ── report booted, installed ──▶ ready
 *
 * `failed` comes from provisioning and ready, by the node's own report or for want of one; the next boot leaves it.
 * `retire` ends each of them; `reset` goes back to approved, and from retired to discovered.
 */
export const lifeStates = ["discovered", "approved", "provisioning", "ready", "failed", "retired"] as const;
export type LifeState = (typeof lifeStates)[number];

/** What a node reports of itself, in the order in which it gets there. */
export const reportStages = [
  "initrd",
  "ignition-fetched",
  "ignition-applied",
  "booted",
  "installed",
  "failed",
] as const;
export type ReportStage = (typeof reportStages)[number];

export interface MachineLife {
  mac: string;
  state: LifeState;
  /** When it came into this state. */
  since: string;
  firstSeen: string;
  lastSeen: string;
  /** The last one that it was seen with. */
  address?: string;
  approvedBy?: "policy" | "person";
  /** The boot that goes on, or the last one. */
  boot?: BootRun;
  /** The furthest that the node reported in this boot. */
  reported?: ReportStage;
  /** Set: it boots from its disk, until reset. */
  installed?: { at: string; profile: string };
  /** Why it is failed. */
  reason?: string;
}

/** One time that a machine was given its boot profile. */
export interface BootRun {
  at: string;
  profile: string;
  /** Installs, and boots from disk from then on. */
  installOnce: boolean;
  /** How often the install was begun since it was last reset. */
  attempts: number;
  /** End of the window in which it is to be provisioned. */
  until: string;
  /** When a configuration was fetched whole. */
  configAt?: string;
}

export type LifeEvent =
  | { type: "seen"; address?: string }
  | { type: "approve"; by: "policy" | "person" }
  /** It was given its boot profile. */
  | { type: "boot"; profile: string; installOnce: boolean; windowMs: number }
  | { type: "config-fetched" }
  | { type: "report"; stage: ReportStage; reason?: string }
  | { type: "reset" }
  | { type: "retire" }
  /** Time has passed. */
  | { type: "tick" };
