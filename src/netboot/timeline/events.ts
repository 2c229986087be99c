import type { ServerResponse } from "node:http";
import type { Recorder, Witnessed } from "./recorder.js";

/** Who does not read what is sent is cut off when so much waits for it. */
const maxWaitingBytes = 4 * 1024 * 1024;
const heartbeatMs = 15_000;

/** Observations as server-sent events (WHATWG HTML §9.2), for at most so many clients at a time. */
export class EventStreams {
  readonly #recorder: Recorder;
  readonly #maxClients: number;
  readonly #open = new Set<ServerResponse>();

  constructor(recorder: Recorder, { maxClients = 32 }: { maxClients?: number } = {}) {
    this.#recorder = recorder;
    this.#maxClients = maxClients;
  }

  /** Answers with events as they come, until the client leaves. @param machine only those of this MAC or address */
  serve(response: ServerResponse, machine: string | undefined): void {
    if (this.#open.size >= this.#maxClients) {
      response.writeHead(503, { "Content-Type": "text/plain; charset=utf-8", "Retry-After": "10" });
      response.end("too many listen already\n");
      return;
    }
    this.#open.add(response);
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.write(": observations, one an event\n\n");
    let id = 0;
    const send = (observation: Witnessed) => {
      if (machine !== undefined && observation.machine !== machine && observation.address !== machine) return;
      if (response.writableLength > maxWaitingBytes) response.destroy();
      else response.write(`id: ${++id}\nevent: observation\ndata: ${JSON.stringify(observation)}\n\n`);
    };
    const stop = this.#recorder.listen(send);
    const heartbeat = setInterval(() => response.write(": still here\n\n"), heartbeatMs).unref();
    response.once("close", () => {
      stop();
      clearInterval(heartbeat);
      this.#open.delete(response);
    });
  }

  /** Ends all streams. */
  close(): void {
    for (const response of this.#open) response.end();
  }
}
