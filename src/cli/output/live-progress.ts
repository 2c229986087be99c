import { type Clock, systemClock } from "../../base/clock.js";
import type { EventSink } from "../../base/events.js";
import { Board, type Ongoing } from "./board.js";
import { seconds } from "./figures.js";
import type { Progress } from "./progress.js";
import type { Style } from "./style.js";

export interface LiveOptions {
  write: (text: string) => unknown;
  style: Style;
  verbose: boolean;
  columns: () => number;
  rows: () => number;
  clock?: Pick<Clock, "monotonicMs">;
}

const frameMs = 100;
const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const barWidth = 16;

// ECMA-48 control sequences; 2026 is the synchronized update that modern terminals show in one piece.
const hideCursor = "\x1b[?25l";
const showCursor = "\x1b[?25h";
const beginUpdate = "\x1b[?2026h";
const endUpdate = "\x1b[?2026l";
const clearBelow = "\x1b[J";
const clearRight = "\x1b[K";
const up = (lines: number) => (lines === 0 ? "\r" : `\x1b[${lines}A\r`);

/**
 * Progress on a terminal: what ended scrolls up as lines for good, what goes on is painted below them. Events only
 * change the board; a timer paints, ten times a second at most and only what changed.
 */
export class LiveProgress implements Progress {
  readonly #options: LiveOptions;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #board: Board;
  readonly #timer: NodeJS.Timeout;
  #painted: string[] = [];
  #forGood: string[] = [];
  #hidden = false;
  #closed = false;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#board = new Board(options.style, options.verbose);
    this.#timer = setInterval(() => this.#paint(), frameMs);
    this.#timer.unref();
  }

  readonly sink: EventSink = (event) => {
    if (this.#closed) return;
    const lines = this.#board.take(event, this.#clock.monotonicMs());
    this.#forGood.push(...lines);
    if (lines.length > 0) this.#paint();
  };

  /** Leaves the lines for good, and the cursor as it was. */
  close(lastLine?: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    if (lastLine !== undefined) this.#forGood.push(lastLine);
    this.#replace([]);
    if (this.#hidden) this.#options.write(showCursor);
  }

  #paint(): void {
    this.#replace(this.#liveLines());
  }

  #replace(lines: string[]): void {
    const unchanged =
      lines.length === this.#painted.length && lines.every((line, i) => line === this.#painted[i]);
    if (unchanged && this.#forGood.length === 0) return;
    const all = [...this.#forGood, ...lines].map((line) => `${line}${clearRight}\n`).join("");
    const hide = this.#hidden || lines.length === 0 ? "" : hideCursor;
    if (hide) this.#hidden = true;
    this.#options.write(`${hide}${beginUpdate}${up(this.#painted.length)}${all}${clearBelow}${endUpdate}`);
    this.#painted = lines;
    this.#forGood = [];
  }

  #liveLines(): string[] {
    const nowMs = this.#clock.monotonicMs();
    const columns = this.#options.columns();
    const room = Math.max(1, this.#options.rows() - 2);
    const steps = [...this.#board.steps.values()];
    const lines = steps.map((step, i) => {
      const isLast = i === steps.length - 1;
      const detail = (isLast ? this.#board.waiting : undefined) ?? step.detail;
      return this.#stepLine(step, detail, nowMs, columns);
    });
    const progress = [...this.#board.progress.values()].map((one) => this.#progressLine(one, nowMs, columns));
    const shown = [...lines, ...progress];
    if (shown.length <= room) return shown;
    return [
      ...shown.slice(0, room - 1),
      this.#options.style("dim", `  … and ${shown.length - room + 1} more`),
    ];
  }

  #stepLine(step: Ongoing, detail: string | undefined, nowMs: number, columns: number): string {
    const { style } = this.#options;
    const elapsedMs = nowMs - step.sinceMs;
    const frame = frames[Math.floor(elapsedMs / frameMs) % frames.length]!;
    const head = cut(`${step.title}  ${seconds(elapsedMs)}`, columns - 3);
    const rest = detail === undefined ? "" : cut(`  ${detail}`, columns - 3 - width(head));
    return `${style("cyan", frame)} ${head}${style("dim", rest)}`;
  }

  #progressLine(one: Ongoing, nowMs: number, columns: number): string {
    const { style } = this.#options;
    const filled = Math.round((one.share ?? 0) * barWidth);
    const bar = one.share === undefined ? "" : `${"█".repeat(filled)}${"░".repeat(barWidth - filled)}  `;
    const text = cut(`${bar}${one.title}  ${one.detail ?? ""}  ${seconds(nowMs - one.sinceMs)}`, columns - 5);
    return style("dim", `    ${text}`);
  }
}

const width = (text: string): number => [...text].length;

/** Cuts a text to a width, with an ellipsis where something is missing; nothing when there is no room at all. */
function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  return columns < 2 ? "" : `${[...text].slice(0, columns - 1).join("")}…`;
}
