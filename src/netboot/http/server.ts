import {
  createServer,
  type IncomingMessage,
  type Server as NodeServer,
  type RequestListener,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer, type Server as NodeTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../../base/clock.js";
import { systemCode } from "../../base/errors.js";
import { listenError } from "../../net/listen.js";
import type { Snapshot } from "../inventory/snapshot.js";
import type { Observe } from "../observation.js";
import { type BytesAnswer, type HttpAnswer, notFound, plainError, response } from "./answer.js";
import { openAsset } from "./assets.js";
import { Connections } from "./connections.js";
import { Exchange } from "./exchange.js";
import { answerHttp, type HttpState } from "./handler.js";
import type { NetbootMetrics } from "./metrics.js";
import type { Signer } from "./sign.js";
import { readTlsFiles, type TlsFiles, watchFiles } from "./tls.js";
import { Turns } from "./turns.js";

export interface HttpLimits {
  maxConnections: number;
  maxConnectionsPerClient: number;
  /** Requests of a connection that wait for the answers to those before them; one more, and it is cut. */
  maxWaiting: number;
  /** All the headers of a request. */
  maxHeaderBytes: number;
  /** A request's head must be there after this time. */
  headersTimeoutMs: number;
  /** A connection on which nothing moves for so long is cut: also one whose client does not take its answer. */
  idleTimeoutMs: number;
  keepAliveMs: number;
}

export const defaultHttpLimits: HttpLimits = {
  maxConnections: 8192,
  maxConnectionsPerClient: 256,
  maxWaiting: 64,
  maxHeaderBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
  keepAliveMs: 15_000,
};

/** Takes requests of paths that the boot API does not have; false: it knows them neither. */
export type OtherPaths = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

export interface HttpServerOptions {
  address: string;
  /** 0: any that is free. @default 8080 */
  port?: number;
  /** Given: HTTPS. Files that change are taken up while it serves, if they are good. */
  tls?: TlsFiles;
  /** Asked once for each request. */
  snapshot: () => Snapshot;
  /** Its own: other servers of the same process may share them. */
  state: Omit<HttpState, "signs">;
  signer?: Signer;
  metrics: NetbootMetrics;
  observe: Observe;
  otherPaths?: OtherPaths;
  clock: Clock;
  /** How often it is looked whether the TLS files changed, in milliseconds. @default 5000 */
  tlsLookMs?: number;
  /** Told when changed TLS files cannot be used; the old ones go on. */
  onTlsProblem?: (error: unknown) => void;
  limits?: Partial<HttpLimits>;
}

export interface HttpServer extends AsyncDisposable {
  port: number;
  /** Connections that are open, and those refused since the start. */
  connections(): { open: number; refused: number };
  /** Lets answers that are on their way go out for as long as this, then cuts them. @default 2000 */
  close(graceMs?: number): Promise<void>;
}

/**
 * Serves matchbox's HTTP API, and `/metrics` and `/healthz`.
 *
 * @throws {SlipwayError} `PORT_IN_USE`, `PERMISSION_DENIED`, `ADDRESS_INVALID`, `PREFLIGHT_FAILED` when it cannot listen;
 * `CERTIFICATE_INVALID`
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const limits = { ...defaultHttpLimits, ...options.limits };
  const connections = new Connections(limits.maxConnectionsPerClient);
  const requests = new Requests(options, limits);
  const node = await nodeServer(options.tls, limits, (request, response) => requests.take(request, response));
  node.maxConnections = limits.maxConnections;
  node.timeout = limits.idleTimeoutMs;
  node.on("connection", (socket: Socket) => connections.admit(socket));
  // Without a word from us node would ask for the body.
  node.on("checkContinue", (request: IncomingMessage, response: ServerResponse) =>
    requests.take(request, response),
  );
  node.on("clientError", (error: Error, socket: Duplex) => requests.refuse(error, socket));
  await listen(node, options.address, options.port ?? 8080);
  const { tls, onTlsProblem, tlsLookMs } = options;
  const take = async () => (node as NodeTlsServer).setSecureContext(await readTlsFiles(tls!));
  const watch = tls && watchFiles([tls.certificate, tls.key], take, onTlsProblem, tlsLookMs);
  const close = async (graceMs = 2000) => {
    clearInterval(watch);
    const closed = new Promise<void>((resolve) => node.close(() => resolve()));
    node.closeIdleConnections();
    const cut = setTimeout(() => node.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(cut);
  };
  return {
    port: (node.address() as AddressInfo).port,
    connections: () => ({ open: connections.open, refused: connections.refused }),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

class Requests {
  readonly #options: HttpServerOptions;
  readonly #state: HttpState;
  readonly #turns: Turns;

  constructor(options: HttpServerOptions, { maxWaiting }: HttpLimits) {
    this.#options = options;
    this.#turns = new Turns(maxWaiting);
    this.#state = { ...options.state, signs: options.signer !== undefined };
  }

  take(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (socket.destroyed || this.#turns.take(request, response, () => this.#begin(request, response))) return;
    this.#options.metrics.badRequest("Too Many Pipelined Requests");
    socket.destroy();
  }

  /** What came is no request, too large or too slow. */
  refuse(error: Error, socket: Duplex): void {
    const code = systemCode(error) ?? "unknown";
    // A client that goes away is none of these; one that speaks no TLS would not understand.
    if (/^(ECONNRESET|EPIPE|ERR_SSL_|ERR_TLS_)/.test(code) || !socket.writable) return void socket.destroy();
    // Answers that are on their way go first: what is said in the midst of one would be taken for a part of it.
    this.#turns.atEnd(socket, () => {
      // RFC 9112 §9.6: what comes after "Connection: close" is nothing.
      if (code === "HPE_CLOSED_CONNECTION" || !socket.writable) return void socket.end();
      const status = statusOfError[code] ?? "400 Bad Request";
      this.#options.metrics.badRequest(status.slice(4));
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
        socket.destroy(),
      );
    });
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    const { snapshot, metrics, observe, clock } = this.#options;
    const address = plainAddress(request.socket.remoteAddress);
    const exchange = new Exchange(request, response, address, { observe, metrics, clock });
    try {
      const asked = {
        method: request.method ?? "GET",
        target: request.url ?? "/",
        headers: request.headers,
        address,
      };
      const answer = answerHttp(asked, snapshot(), this.#state);
      exchange.ended =
        answer.type === "signature" ? answer.of.ended : "ended" in answer ? answer.ended : undefined;
      if (answer.type === "bytes" && !answer.ready) exchange.send(answer.response, answer.facts);
      else
        this.#sendLater(answer, request, response, exchange).catch((error) =>
          fault(exchange, response, error),
        );
    } catch (error) {
      fault(exchange, response, error);
    }
  }

  async #sendLater(
    answer: HttpAnswer,
    request: IncomingMessage,
    nodeResponse: ServerResponse,
    exchange: Exchange,
  ): Promise<void> {
    switch (answer.type) {
      case "bytes":
        if (await isReady(answer)) return exchange.send(answer.response, answer.facts);
        return exchange.send(notYet, answer.facts, "its guard is not ready");
      case "asset":
        return exchange.sendAsset(await openAsset(answer, request.headers), answer.facts);
      case "metrics": {
        const { registry } = this.#options.metrics;
        return exchange.send(response(200, registry.contentType, await registry.metrics()), answer.facts);
      }
      case "signature": {
        const { of, armored } = answer;
        if (!(await isReady(of))) return exchange.send(notYet, of.facts, "its guard is not ready");
        const signature = await this.#options.signer!.sign(of.response.body, armored);
        const type = armored ? "text/plain; charset=utf-8" : "application/octet-stream";
        // Errors are signed as well, and keep their status.
        return exchange.send(response(of.response.status, type, signature), of.facts);
      }
      case "unknown":
        if (this.#options.otherPaths?.(request, nodeResponse, answer.path)) return;
        return exchange.send(notFound, answer.facts);
    }
  }
}

const notYet = plainError(503, "503 Service Unavailable", "Retry-After", "1");

const isReady = async ({ ready }: BytesAnswer): Promise<boolean> =>
  ready === undefined ||
  ready.then(
    () => true,
    () => false,
  );

/** A bug of ours, in one request: the others go on. */
function fault(exchange: Exchange, nodeResponse: ServerResponse, error: unknown): void {
  if (nodeResponse.headersSent) nodeResponse.destroy();
  else {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const facts = { route: "other", error: stack.replace(/\s+/g, " ") };
    exchange.send(plainError(500, "500 Internal Server Error"), facts);
  }
}

async function nodeServer(
  tls: TlsFiles | undefined,
  limits: HttpLimits,
  listener: RequestListener,
): Promise<NodeServer | NodeTlsServer> {
  const options: ServerOptions = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: 2 * limits.headersTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(2000, limits.headersTimeoutMs),
    noDelay: true,
  };
  if (!tls) return createServer(options, listener);
  return createTlsServer(
    { ...options, ...(await readTlsFiles(tls)), handshakeTimeout: limits.headersTimeoutMs },
    listener,
  );
}

async function listen(server: NodeServer, address: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: address, port, exclusive: true, backlog: 4096 }, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    throw await listenError({ address, port, protocol: "tcp" }, error);
  }
  // Running out of file descriptors, for one: node goes on accepting when there are some again.
  server.on("error", () => {});
}

const statusOfError: Record<string, string> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** IPv4 as it is usually written, also where it came over IPv6's sockets. */
const plainAddress = (address = ""): string => (address.startsWith("::ffff:") ? address.slice(7) : address);
