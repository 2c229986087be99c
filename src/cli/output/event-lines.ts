import { randomUUID } from "node:crypto";
import { type EventSink, toCloudEvent } from "../../base/events.js";
import type { Progress } from "./progress.js";

/** Progress for programs: CloudEvents as JSON, one a line; the last one is the result, or the error. */
export class EventLines implements Progress {
  readonly #source: string;
  readonly #write: (line: string) => unknown;
  readonly #now: () => Date;

  /** @param operation the command's name, part of the events' source */
  constructor(operation: string, write: (line: string) => unknown, now: () => Date = () => new Date()) {
    this.#source = `/slipway/${operation.replaceAll(" ", "/")}`;
    this.#write = write;
    this.#now = now;
  }

  readonly sink: EventSink = (body) => {
    this.#line(toCloudEvent(body, this.#envelope()));
  };

  result(data: Record<string, unknown>): void {
    const like = toCloudEvent({ type: "info", message: "" }, this.#envelope());
    this.#line({ ...like, type: "dev.slipway.result", data });
  }

  close(): void {}

  #envelope() {
    return { id: randomUUID(), source: this.#source, time: this.#now() };
  }

  #line(event: object): void {
    this.#write(`${JSON.stringify(event)}\n`);
  }
}
