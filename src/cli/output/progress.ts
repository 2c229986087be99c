import type { EventSink } from "../../base/events.js";

/** A rendering of the event stream. */
export interface Progress {
  sink: EventSink;
  /** Ends the rendering, once; later calls do nothing. */
  close(lastLine?: string): void;
}
