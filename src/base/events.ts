import type { ErrorCode } from "./errors.js";

/**
 * What slipway says while it works. The terminal, `-o json`, the profile's journal of events and the web page are
 * renderings of this one stream.
 */
export type EventBody =
  | {
      type: "step";
      /** Stable id of the step, e.g. `create-machines`. */
      step: string;
      title: string;
      state: "running" | "ok" | "failed" | "skipped";
      /** Position in its operation, from 1. */
      index: number;
      total: number;
      node?: string;
      detail?: string;
      durationMs?: number;
    }
  | {
      type: "progress";
      /** What is being worked on: a component, an image, a bundle. */
      subject: string;
      phase: "download" | "build" | "unpack" | "import";
      done: number;
      total?: number;
      unit: "bytes" | "packages" | "files";
      /** waiting: known to be wanted; others come first. */
      state: "waiting" | "running" | "ok" | "failed";
      detail?: string;
    }
  | {
      type: "condition";
      condition: string;
      state: "waiting" | "met" | "failed";
      lastSeen?: string;
      waitedMs: number;
    }
  | { type: "info"; message: string }
  | { type: "warning"; message: string; hint?: string }
  | {
      type: "error";
      code: ErrorCode;
      exitCode: number;
      message: string;
      hint?: string;
      details: Record<string, string>;
    };

/** Takes events; must not throw and must not block. */
export type EventSink = (event: EventBody) => void;

export const discardEvents: EventSink = () => {};

/** One sink that feeds several. */
export const fanOut =
  (...sinks: EventSink[]): EventSink =>
  (event) => {
    for (const sink of sinks) sink(event);
  };

/** A CloudEvents 1.0 envelope in structured JSON mode (CloudEvents spec §3). */
export interface CloudEvent {
  specversion: "1.0";
  id: string;
  source: string;
  type: `dev.slipway.${EventBody["type"]}`;
  time: string;
  datacontenttype: "application/json";
  data: Omit<EventBody, "type">;
}

/** Wraps an event body. `id` must be unique within `source`. */
export function toCloudEvent(
  body: EventBody,
  envelope: { id: string; source: string; time: Date },
): CloudEvent {
  const { type, ...data } = body;
  return {
    specversion: "1.0",
    id: envelope.id,
    source: envelope.source,
    type: `dev.slipway.${type}`,
    time: envelope.time.toISOString(),
    datacontenttype: "application/json",
    data,
  };
}
