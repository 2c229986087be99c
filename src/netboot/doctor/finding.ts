/** One thing that was looked at on an interface. */
export interface Finding {
  /** `link`, `address`, `port 67/udp`, … */
  check: string;
  /** `unknown`: could not be looked at, and `fix` says how it could. */
  result: "ok" | "warning" | "problem" | "unknown";
  /** What was found. */
  found: string;
  /** What to do about it; a command where there is one. */
  fix?: string;
}
