import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../../base/clock.js";
import type { Observation, Observe } from "../observation.js";
import type { BytesAnswer, HttpResponse, RequestFacts } from "./answer.js";
import type { AssetResponse } from "./assets.js";
import { single } from "./file-answer.js";
import type { NetbootMetrics } from "./metrics.js";

/** Read and sent at a time. */
const chunkBytes = 128 * 1024;

/** Asked for by programs that watch the server, not by machines. */
const unobserved = new Set(["/metrics", "/healthz"]);

/** One request and its response, to the end: sent, counted, told. */
export class Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #address: string;
  readonly #startedMs: number;
  readonly #to: { observe: Observe; metrics: NetbootMetrics; clock: Clock };
  /** Body bytes given to the connection. */
  #given = 0;
  /** Told when it is over, whatever was sent in the end. */
  ended: BytesAnswer["ended"] | undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    address: string,
    to: { observe: Observe; metrics: NetbootMetrics; clock: Clock },
  ) {
    this.#request = request;
    this.#response = response;
    this.#address = address;
    this.#startedMs = to.clock.monotonicMs();
    this.#to = to;
  }

  send({ status, headers, body }: HttpResponse, facts: RequestFacts, error = facts.error): void {
    this.#whenOver(status, facts, error);
    this.#head(status, headers);
    if (this.#request.method !== "HEAD") this.#given = body.length;
    this.#response.end(body);
  }

  async sendAsset(answer: AssetResponse, facts: RequestFacts): Promise<void> {
    if ("response" in answer) {
      this.send(answer.response, facts, answer.error);
      return;
    }
    const { file, head, start, end } = answer;
    this.#whenOver(head.status, facts, undefined);
    this.#head(head.status, head.headers);
    if (this.#request.method === "HEAD" || start === end) {
      this.#response.end();
      await file.close();
      return;
    }
    const stream = file.createReadStream({ start, end: end - 1, highWaterMark: chunkBytes });
    stream.on("data", (chunk) => {
      this.#given += chunk.length;
    });
    try {
      await pipeline(stream, this.#response, { end: false });
      // Of a file that became shorter meanwhile the client must not take the next answer for the rest.
      if (this.#given === end - start) this.#response.end();
      else this.#response.destroy();
    } catch {
      // The client left, or the disk failed: both end the connection, and are told of when it closes.
      this.#response.destroy();
    }
  }

  #head(status: number, headers: readonly string[]): void {
    // Nobody reads a request's body here: what follows it on the connection cannot be told from it.
    const closing = hasBody(this.#request) ? ["Connection", "close"] : [];
    this.#response.writeHead(status, [...headers, ...closing]);
  }

  #whenOver(status: number, facts: RequestFacts, error: string | undefined): void {
    const response = this.#response;
    const over = () => {
      const aborted = !response.writableFinished;
      const bytes = aborted ? Math.max(0, this.#given - response.writableLength) : this.#given;
      this.ended?.(!aborted && status === 200 && this.#request.method !== "HEAD");
      const { clock, metrics } = this.#to;
      const durationMs = clock.monotonicMs() - this.#startedMs;
      metrics.request(facts.route, status, durationMs / 1000, bytes, aborted);
      if (unobserved.has(facts.route)) return;
      this.#observe(status, facts, error, bytes, durationMs, aborted);
    };
    // The client may have left while we waited for something.
    if (response.closed) over();
    else response.once("close", over);
  }

  #observe(
    status: number,
    { route, labels, group, profile, query, instead }: RequestFacts,
    error: string | undefined,
    bytes: number,
    durationMs: number,
    aborted: boolean,
  ): void {
    const { method = "", url = "", headers } = this.#request;
    const path = route === "other" || route.endsWith("/") ? url.split("?", 1)[0]! : route;
    const details: Record<string, string> = { status: String(status) };
    if (group !== undefined) details.group = group;
    if (profile !== undefined) details.profile = profile;
    if (query !== undefined) details.query = printable(query);
    if (error !== undefined) details.error = printable(error);
    if (instead !== undefined) Object.assign(details, instead);
    const agent = single(headers["user-agent"]);
    if (agent !== undefined) details.agent = printable(agent);
    const observation: Observation = {
      // Now: a moment's error in what took `durationMs` until now.
      time: new Date(this.#to.clock.now().getTime() - durationMs).toISOString(),
      address: this.#address,
      stage: route.startsWith("/ignition") ? "ignition" : "http",
      what: `${method} ${printable(path)}`,
      outcome: aborted ? "aborted" : outcomeOf(status),
      durationMs: Math.round(durationMs * 100) / 100,
      bytes,
      details,
    };
    if (labels?.mac !== undefined) observation.mac = labels.mac;
    this.#to.observe(observation);
  }
}

const outcomeOf = (status: number): Observation["outcome"] =>
  status < 400 ? "ok" : status === 403 || status === 503 ? "refused" : "failed";

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;

/** Text from the wire, for logs and terminals. */
const printable = (text: string): string =>
  plain.test(text) ? text : text.replace(/\p{C}/gu, "\uFFFD").slice(0, 300);
const plain = /^[\x20-\x7e]{0,300}$/;
