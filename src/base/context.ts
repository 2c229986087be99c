import type { Clock } from "./clock.js";
import type { EventSink } from "./events.js";
import type { Paths } from "./paths.js";

/** What every operation gets from the edge: where things are kept, whom to tell, when to stop. */
export interface Context {
  paths: Paths;
  events: EventSink;
  signal: AbortSignal;
  clock: Clock;
  /** Who owns the files we write in the user's directories: under sudo the invoking user; undefined: ourselves. */
  owner?: { uid: number; gid: number };
  /** Called before and after every entry of a journal. For tests, which end the process there. */
  atJournalPoint?: () => void;
}
