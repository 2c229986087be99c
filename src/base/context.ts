import type { Clock } from "./clock.js";
import type { EventSink } from "./events.js";
import type { Owner } from "./files.js";
import type { Paths } from "./paths.js";

/** What HTTP_PROXY, HTTPS_PROXY and NO_PROXY say, as curl and Go read them. */
export interface Proxies {
  /** URL of the proxy for http:// and, without `https`, for https:// too. */
  http?: string;
  https?: string;
  /** Hosts that are asked without it: names, which mean their subdomains too, with or without a port; `*` is all. */
  none?: string;
}

/** What every operation gets from the edge: where things are kept, whom to tell, when to stop. */
export interface Context {
  paths: Paths;
  events: EventSink;
  signal: AbortSignal;
  clock: Clock;
  /**
   * Whom the files belong to that we write in the user's directories: under sudo the invoking user; undefined: ourselves.
   * Trees of machines and images have owners of their own, and stay in directories that are root's.
   */
  owner?: Owner;
  /** Through which downloads go; undefined: straight. */
  proxies?: Proxies;
  /** Called before and after every entry of a journal. For tests, which end the process there. */
  atJournalPoint?: () => void;
}
