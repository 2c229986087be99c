import { stripVTControlCharacters } from "node:util";
import type { EventBody } from "../../base/events.js";
import { amount, seconds } from "./figures.js";
import type { Style } from "./style.js";

/** Something that goes on. Times are the clock's monotonic milliseconds. */
export interface Ongoing {
  title: string;
  sinceMs: number;
  detail?: string;
}

/** A download, build … that goes on. */
export interface Work extends Ongoing {
  /** `building`; the title is what: `etcd v3.6.8`. */
  doing: string;
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

type StepEvent = Extract<EventBody, { type: "step" }>;
type ProgressEvent = Extract<EventBody, { type: "progress" }>;

/**
 * What the events so far add up to: what goes on now, and a line for good for whatever ended. The two renderings for
 * people differ only in what they do with it.
 */
export class Board {
  readonly steps = new Map<string, Ongoing>();
  /** By subject, which is in one phase at a time: a download that failed goes on as a build. */
  readonly works = new Map<string, Work>();
  /** What is waited for, and what was last seen. */
  waiting: string | undefined;
  readonly #waitingSubjects = new Set<string>();
  readonly #doneSubjects = new Set<string>();
  readonly #style: Style;
  readonly #verbose: boolean;

  constructor(style: Style, verbose: boolean) {
    this.#style = style;
    this.#verbose = verbose;
  }

  /** How many downloads, builds … the step that goes on has to do, as far as it knows. */
  get tally(): { done: number; waiting: number; total: number } {
    const done = this.#doneSubjects.size;
    const waiting = this.#waitingSubjects.size;
    return { done, waiting, total: done + waiting + this.works.size };
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

  #step(event: StepEvent, nowMs: number): string[] {
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
    this.#waitingSubjects.clear();
    this.#doneSubjects.clear();
    const mark = { ok: ["green", "✓"], failed: ["red", "✗"], skipped: ["dim", "-"] } as const;
    const [color, sign] = mark[event.state];
    const time = event.state === "skipped" ? "" : `  ${seconds(tookMs)}`;
    const detail = event.detail === undefined ? "" : `  ${clean(event.detail)}`;
    return [`${this.#style(color, sign)} ${title}${this.#style("dim", time + detail)}`];
  }

  #progress(event: ProgressEvent, nowMs: number): string[] {
    const { subject, state } = event;
    const work = this.works.get(subject);
    const goesOn = work?.doing === doing[event.phase];
    const sinceMs = goesOn ? work.sinceMs : nowMs;
    if (state === "running" && goesOn) {
      this.works.set(subject, workOf(event, sinceMs));
      return [];
    }
    for (const subjects of [this.works, this.#waitingSubjects, this.#doneSubjects]) subjects.delete(subject);
    switch (state) {
      case "waiting":
        this.#waitingSubjects.add(subject);
        return [];
      case "running":
        this.works.set(subject, workOf(event, sinceMs));
        return [];
      case "failed":
        return [this.#failedLine(event)];
      case "ok":
        this.#doneSubjects.add(subject);
        return nowMs - sinceMs < worthALineMs ? [] : [this.#doneLine(event, nowMs - sinceMs)];
    }
  }

  #failedLine({ phase, subject, detail }: ProgressEvent): string {
    const why = detail === undefined ? "" : this.#style("dim", `  ${clean(detail)}`);
    return `  ${this.#style("red", "✗")} ${doing[phase]} ${subject} failed${why}`;
  }

  #doneLine({ phase, subject, done, total, unit, detail }: ProgressEvent, tookMs: number): string {
    const figures = amount(done, total === 1 ? 1 : undefined, unit);
    const facts = [seconds(tookMs), figures, detail === undefined ? "" : clean(detail)].filter(Boolean);
    return `  ${this.#style("green", "✓")} ${did[phase]} ${subject}${this.#style("dim", `  ${facts.join("  ")}`)}`;
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

function workOf({ phase, subject, done, total, unit, detail }: ProgressEvent, sinceMs: number): Work {
  const facts = [amount(done, total, unit), detail === undefined ? "" : clean(detail)].filter(Boolean);
  return {
    title: subject,
    doing: doing[phase],
    sinceMs,
    ...(facts.length === 0 ? {} : { detail: facts.join(", ") }),
    ...(total && total > 1 ? { share: Math.min(1, done / total) } : {}),
  };
}

/** One line without control characters: details may quote what other programs said. */
export const clean = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/\p{Cc}+/gu, " ")
    .trim();
