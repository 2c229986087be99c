import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.js";
import type { Context } from "../base/context.js";
import type { EventBody } from "../base/events.js";
import { Scope } from "../base/scope.js";
import type { CatalogEntry, Component } from "./catalog-entry.js";

/** For tests: a context with directories of its own, removed with it. */
export class TestContext extends Scope implements Context {
  readonly directory: string;
  readonly paths: Context["paths"];
  readonly clock = systemClock;
  readonly seen: EventBody[] = [];
  readonly abort = new AbortController();
  readonly signal = this.abort.signal;
  readonly events = (event: EventBody) => this.seen.push(event);

  private constructor(directory: string) {
    super();
    this.directory = directory;
    this.paths = {
      config: join(directory, "config"),
      state: join(directory, "state"),
      cache: join(directory, "cache"),
    };
    this.defer(() => rm(directory, { recursive: true, force: true }));
  }

  static async create(): Promise<TestContext> {
    return new TestContext(await mkdtemp(join(tmpdir(), "slipway-components-")));
  }

  /** Serves on the loopback until the context is disposed of. @returns the URL without a final slash. */
  async serve(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    const server = createServer(handler);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.defer(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
}

/** For tests: a component of no real catalog. */
export const testComponent = (name: string, entry: Partial<CatalogEntry> = {}): Component => ({
  name,
  version: "v1.0.0",
  entry: { name, kind: "binary", versions: ["v1.0.0"], ...entry },
});
