import { stripVTControlCharacters } from "node:util";
import type { EventBody } from "../../base/events.js";
import { amount, seconds } from "./figures.js";
import type { Style } from "./style.js";

/** Something that goes on. Times are the clock's monotonic milliseconds. */
export interface Ongoing {
  title: string;
  sinceMs: number;
  detail?: string;
  /** Share done, 0 to 1, where it is known. */
  share?: number;
}

/** Downloads and builds that end sooner than this leave no line behind. */
const worthALineMs = 500;

const doing = {
  download: "downloading",
  build: "building",
  unpack: "unpacking",
  import: "importing",
} as const;
const did = { download: "downloaded", build: "built", unpack: "unpacked", import: "imported" } as const;

/**
 * What the events so far add up to: what goes on now, and a line for good for whatever ended. The two renderings for
 * people differ only in what they do with it.
 */
export class Board {
  readonly steps = new Map<string, Ongoing>();
  readonly progress = new Map<string, Ongoing>();
  /** What is waited for, and what was last seen. */
  waiting: string | undefined;
  readonly #style: Style;
  readonly #verbose: boolean;

  constructor(style: Style, verbose: boolean) {
    this.#style = style;
    this.#verbose = verbose;
  }

  /** Takes an event in. @returns the lines to say for good */
  take(event: EventBody, nowMs: number): string[] {
    switch (event.type) {
      case "step":
        return this.#step(event, nowMs);
      case "progress":
        return this.#progress(event, nowMs);
      case "condition":
        return this.#condition(event);
      case "info":
        return [clean(event.message)];
      case "warning":
        return [
          `${this.#style("yellow", "!")} ${clean(event.message)}`,
          ...(event.hint === undefined ? [] : [this.#style("dim", `  try  ${clean(event.hint)}`)]),
        ];
      case "error":
        return []; // the command line's edge prints the error that ends the command
    }
  }

  #step(event: Extract<EventBody, { type: "step" }>, nowMs: number): string[] {
    const key = `${event.step} ${event.node ?? ""}`;
    const title = event.node === undefined ? event.title : `${event.title} (${event.node})`;
    if (event.state === "running") {
      const sinceMs = this.steps.get(key)?.sinceMs ?? nowMs;
      this.steps.set(key, {
        title,
        sinceMs,
        ...(event.detail === undefined ? {} : { detail: clean(event.detail) }),
      });
      return [];
    }
    const tookMs = event.durationMs ?? nowMs - (this.steps.get(key)?.sinceMs ?? nowMs);
    this.steps.delete(key);
    this.waiting = undefined;
    const mark = { ok: ["green", "✓"], failed: ["red", "✗"], skipped: ["dim", "-"] } as const;
    const [color, sign] = mark[event.state];
    const time = event.state === "skipped" ? "" : `  ${seconds(tookMs)}`;
    const detail = event.detail === undefined ? "" : `  ${clean(event.detail)}`;
    return [`${this.#style(color, sign)} ${title}${this.#style("dim", time + detail)}`];
  }

  #progress(event: Extract<EventBody, { type: "progress" }>, nowMs: number): string[] {
    const key = `${event.phase} ${event.subject}`;
    const sinceMs = this.progress.get(key)?.sinceMs ?? nowMs;
    if (event.state === "running") {
      const figures = amount(event.done, event.total, event.unit);
      this.progress.set(key, {
        title: `${doing[event.phase]} ${event.subject}`,
        sinceMs,
        detail: event.detail === undefined ? figures : `${figures}, ${clean(event.detail)}`,
        ...(event.total ? { share: Math.min(1, event.done / event.total) } : {}),
      });
      return [];
    }
    this.progress.delete(key);
    const detail = event.detail === undefined ? "" : `  ${clean(event.detail)}`;
    if (event.state === "failed") {
      return [
        `  ${this.#style("red", "✗")} ${doing[event.phase]} ${event.subject} failed${this.#style("dim", detail)}`,
      ];
    }
    if (nowMs - sinceMs < worthALineMs) return [];
    const figures = `  ${seconds(nowMs - sinceMs)}  ${amount(event.done, undefined, event.unit)}`;
    return [
      `  ${this.#style("green", "✓")} ${did[event.phase]} ${event.subject}${this.#style("dim", figures + detail)}`,
    ];
  }

  #condition(event: Extract<EventBody, { type: "condition" }>): string[] {
    const seen = event.lastSeen === undefined ? "" : `: ${clean(event.lastSeen)}`;
    this.waiting = event.state === "waiting" ? `${event.condition}${seen}` : undefined;
    if (!this.#verbose) return [];
    const text =
      event.state === "waiting" ? `waiting: ${event.condition}${seen}` : `${event.state}: ${event.condition}`;
    return [this.#style("dim", `  · ${text}  ${seconds(event.waitedMs)}`)];
  }
}

/** One line without control characters: details may quote what other programs said. */
export const clean = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/\p{Cc}+/gu, " ")
    .trim();
