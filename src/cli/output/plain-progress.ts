import { type Clock, systemClock } from "../../base/clock.js";
import type { EventSink } from "../../base/events.js";
import { Board, type Work } from "./board.js";
import { seconds } from "./figures.js";
import type { Progress } from "./progress.js";
import type { Style } from "./style.js";

export interface PlainOptions {
  write: (text: string) => unknown;
  style: Style;
  verbose: boolean;
  clock?: Pick<Clock, "monotonicMs">;
}

/** How often it looks whether a sign of life is due. */
const lookMs = 1000;
/** No sign of life while lines come anyway. */
const silenceMs = 10_000;
/** Nor sooner than this after the last one. */
const repeatMs = 30_000;
/** About as long as a line of a sign of life gets. */
const lineWidth = 110;

/** Progress for a pipe or a log: a line for whatever ended, and in between now and then one sign of life. */
export class PlainProgress implements Progress {
  readonly #board: Board;
  readonly #write: (text: string) => unknown;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #timer: NodeJS.Timeout;
  #lineMs: number;
  #signMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor({ write, style, verbose, clock = systemClock }: PlainOptions) {
    this.#board = new Board(style, verbose);
    this.#write = write;
    this.#clock = clock;
    this.#lineMs = clock.monotonicMs();
    this.#timer = setInterval(() => this.#look(), lookMs);
    this.#timer.unref();
  }

  readonly sink: EventSink = (event) => {
    for (const line of this.#board.take(event, this.#clock.monotonicMs())) this.#line(line);
  };

  close(lastLine?: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    if (lastLine !== undefined) this.#line(lastLine);
  }

  #line(line: string): void {
    this.#lineMs = this.#clock.monotonicMs();
    this.#write(`${line}\n`);
  }

  #look(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lineMs < silenceMs || nowMs - this.#signMs < repeatMs) return;
    const sign = signOfLife(this.#board, nowMs);
    if (sign === undefined) return;
    this.#signMs = nowMs;
    this.#line(sign);
  }
}

/**
 * What goes on, in one line; undefined when nothing does.
 *
 *   … Components  1 min 8 s  13 of 31 done, building kube-apiserver v1.36.3 (412 of 1,300 packages) and 5 more
 */
function signOfLife({ steps, works, waiting, tally }: Board, nowMs: number): string | undefined {
  const step = [...steps.values()].at(-1);
  const running = [...works.values()];
  const eldest = step ?? running[0];
  if (eldest === undefined) return undefined;
  const head = `… ${step ? `${step.title}  ` : ""}${seconds(nowMs - eldest.sinceMs)}`;
  if (running.length === 0) {
    const what = waiting ?? step?.detail;
    return what === undefined ? head : `${head}  ${what}`;
  }
  const counted = tally.total > 1 ? `${tally.done} of ${tally.total} done, ` : "";
  return `${head}  ${counted}${someOf(running, lineWidth - head.length - counted.length)}`;
}

/** As many as fit, one at least, what is known to advance first; and how many more. */
function someOf(running: readonly Work[], width: number): string {
  const sorted = running.toSorted((a, b) => (b.share ?? -1) - (a.share ?? -1));
  let text = "";
  let doing = "";
  for (const [i, work] of sorted.entries()) {
    const verb = work.doing === doing ? "" : `${work.doing} `;
    const detail = work.detail === undefined ? "" : ` (${work.detail})`;
    const more = `${i === 0 ? "" : ", "}${verb}${work.title}${detail}`;
    if (i > 0 && text.length + more.length > width) return `${text} and ${sorted.length - i} more`;
    text += more;
    doing = work.doing;
  }
  return text;
}
