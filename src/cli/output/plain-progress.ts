import { type Clock, systemClock } from "../../base/clock.js";
import type { EventSink } from "../../base/events.js";
import { Board } from "./board.js";
import { seconds } from "./figures.js";
import type { Progress } from "./progress.js";
import type { Style } from "./style.js";

export interface PlainOptions {
  write: (text: string) => unknown;
  style: Style;
  verbose: boolean;
  clock?: Pick<Clock, "monotonicMs">;
}

/** How often it looks for things that take long. */
const lookMs = 2000;
/** How often it says that one still goes on. */
const repeatMs = 15_000;

/** Progress for a pipe or a log: a line for whatever ended, and now and then one for what takes long. */
export class PlainProgress implements Progress {
  readonly #board: Board;
  readonly #write: (text: string) => unknown;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #timer: NodeJS.Timeout;
  /** When each long one was last spoken of, by its title. */
  readonly #saidMs = new Map<string, number>();
  #closed = false;

  constructor({ write, style, verbose, clock = systemClock }: PlainOptions) {
    this.#board = new Board(style, verbose);
    this.#write = write;
    this.#clock = clock;
    this.#timer = setInterval(() => this.#sayWhatTakesLong(), lookMs);
    this.#timer.unref();
  }

  readonly sink: EventSink = (event) => {
    for (const line of this.#board.take(event, this.#clock.monotonicMs())) this.#write(`${line}\n`);
  };

  close(lastLine?: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    if (lastLine !== undefined) this.#write(`${lastLine}\n`);
  }

  #sayWhatTakesLong(): void {
    const nowMs = this.#clock.monotonicMs();
    const { steps, progress, waiting } = this.#board;
    const goingOn = [...steps.values(), ...progress.values()];
    for (const title of this.#saidMs.keys()) {
      if (!goingOn.some((one) => one.title === title)) this.#saidMs.delete(title);
    }
    for (const { title, sinceMs, detail } of goingOn) {
      const saidMs = this.#saidMs.get(title);
      if (nowMs - sinceMs < lookMs || (saidMs !== undefined && nowMs - saidMs < repeatMs)) continue;
      this.#saidMs.set(title, nowMs);
      const last = [...steps.values()].at(-1)?.title === title ? waiting : undefined;
      const what = last ?? detail;
      this.#write(`… ${title}  ${seconds(nowMs - sinceMs)}${what === undefined ? "" : `  ${what}`}\n`);
    }
  }
}
