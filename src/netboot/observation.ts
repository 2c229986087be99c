/** What was seen of a machine on the wire or heard from it: the stuff of its timeline, one line of NDJSON each. */
export interface Observation {
  /** When it began (ISO 8601, milliseconds). */
  time: string;
  /** Lower case with colons. Undefined: known by its address only, joined to a MAC through its lease. */
  mac?: string;
  /** The machine's own address at the time. */
  address?: string;
  stage: "dhcp" | "proxydhcp" | "tftp" | "http" | "dns" | "ignition" | "report" | "life";
  /** `DISCOVER → OFFER`, `GET /ignition`, `undionly.kpxe`, `approved` … */
  what: string;
  outcome: "ok" | "failed" | "refused" | "aborted";
  durationMs?: number;
  bytes?: number;
  /** Transaction, user agent, firmware, group, boot profile, error … */
  details: Record<string, string>;
}

/** Takes observations; must not throw and must not block. */
export type Observe = (observation: Observation) => void;
