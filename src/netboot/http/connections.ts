import type { Socket } from "node:net";

/** Counts who is connected, so that one client cannot have all there is. */
export class Connections {
  readonly #maxPerClient: number;
  readonly #byClient = new Map<string, number>();
  open = 0;
  refused = 0;

  constructor(maxPerClient: number) {
    this.#maxPerClient = maxPerClient;
  }

  /** Takes a connection in; one too many of a client is cut. */
  admit(socket: Socket): void {
    const client = socket.remoteAddress ?? "";
    const before = this.#byClient.get(client) ?? 0;
    if (before >= this.#maxPerClient) {
      this.refused++;
      socket.destroy();
      return;
    }
    this.open++;
    this.#byClient.set(client, before + 1);
    socket.once("close", () => {
      this.open--;
      const left = this.#byClient.get(client)! - 1;
      if (left === 0) this.#byClient.delete(client);
      else this.#byClient.set(client, left);
    });
  }
}
