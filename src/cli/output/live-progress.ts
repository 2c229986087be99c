import { type Clock, systemClock } from "../../base/clock.js";
import type { EventSink } from "../../base/events.js";
import { Board, type Ongoing, type Work } from "./board.js";
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
/** Of a bar, on narrow terminals and on wide ones. */
const barWidths = { narrow: 8, wide: 16, wideFrom: 100 } as const;

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
    const works = [...this.#board.works.values()];
    const { done, waiting, total } = this.#board.tally;
    const counted = total > 1 ? `${done} of ${total} done` : undefined;
    const lines = steps.map((step, i) => {
      const isLast = i === steps.length - 1;
      const detail = (isLast ? (this.#board.waiting ?? counted) : undefined) ?? step.detail;
      return this.#stepLine(step, detail, nowMs, columns);
    });
    const titleWidth = Math.max(0, ...works.map((work) => width(titleOf(work))));
    lines.push(...works.map((work) => this.#workLine(work, nowMs, columns, titleWidth)));
    const all = lines.length + (waiting > 0 ? 1 : 0);
    const shown = all <= room ? lines : lines.slice(0, room - 1);
    const rest = [
      ...(shown.length < lines.length ? [`and ${lines.length - shown.length} more`] : []),
      ...(waiting > 0 ? [`${waiting} waiting`] : []),
    ];
    return rest.length === 0
      ? shown
      : [...shown, this.#options.style("dim", cut(`    … ${rest.join(", ")}`, columns - 1))];
  }

  #stepLine(step: Ongoing, detail: string | undefined, nowMs: number, columns: number): string {
    const { style } = this.#options;
    const elapsedMs = nowMs - step.sinceMs;
    const frame = frames[Math.floor(elapsedMs / frameMs) % frames.length]!;
    const head = cut(`${step.title}  ${seconds(elapsedMs)}`, columns - 3);
    const rest = detail === undefined ? "" : cut(`  ${detail}`, columns - 3 - width(head));
    return `${style("cyan", frame)} ${head}${style("dim", rest)}`;
  }

  #workLine(work: Work, nowMs: number, columns: number, titleWidth: number): string {
    const elapsed = seconds(nowMs - work.sinceMs);
    const line = [titleOf(work).padEnd(titleWidth), barOf(work, columns), work.detail ?? ""]
      .filter(Boolean)
      .join("  ");
    const withTime = `${line}  ${elapsed}`;
    const room = columns - 5;
    return this.#options.style("dim", `    ${width(withTime) <= room ? withTime : cut(line, room)}`);
  }
}

const titleOf = ({ doing, title }: Work): string => `${doing} ${title}`;

function barOf({ share }: Work, columns: number): string {
  if (share === undefined) return "";
  const cells = columns < barWidths.wideFrom ? barWidths.narrow : barWidths.wide;
  const filled = Math.floor(share * cells); // full only when done
  return `${"█".repeat(filled)}${"░".repeat(cells - filled)}`;
}

const width = (text: string): number => [...text].length;

/** Cuts a text to a width, with an ellipsis where something is missing; nothing when there is no room at all. */
function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  return columns < 2 ? "" : `${[...text].slice(0, columns - 1).join("")}…`;
}
