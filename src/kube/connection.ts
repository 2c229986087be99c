import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { isIP } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { KubeCredentials } from "./credentials.js";
import { unreachable } from "./failures.js";
import { type KubeRequest, type KubeResponse, type KubeStream, pathWithQuery } from "./request.js";

const defaultTimeoutMs = 30_000;
const connectTimeoutMs = 3_000;
const pingIntervalMs = 10_000;

interface Session {
  http2: ClientHttp2Session;
  /** Requests that have not ended. */
  active: number;
  failure: Error | undefined;
}

/**
 * One kept HTTP/2 connection to an API server, made when first needed and again when it was lost. Requests share it:
 * one TLS handshake for all of them. docs/decisions/0003-kube-client.md has the figures.
 */
export class Connection {
  readonly #origin: string;
  readonly #prefix: string;
  readonly #credentials: KubeCredentials;
  #session: Session | undefined;

  constructor(credentials: KubeCredentials) {
    const url = new URL(credentials.server);
    this.#origin = url.origin;
    this.#prefix = url.pathname.replace(/\/$/, "");
    this.#credentials = credentials;
  }

  /**
   * Sends a request and reads the whole answer, whatever its status is.
   *
   * @throws {SlipwayError} `API_UNREACHABLE` or `CERTIFICATE_INVALID`; the signal's reason when aborted.
   */
  async request(request: KubeRequest): Promise<KubeResponse> {
    return this.#exchange(request, (status, headers, stream, resolve) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        // A stream that was reset ends too, and then reports its error: an answer is complete only without one.
        if (stream.rstCode === constants.NGHTTP2_NO_ERROR)
          resolve({ status, headers, body: Buffer.concat(chunks).toString("utf8") });
      });
    });
  }

  /** Sends a request and gives back its body as it comes: a watch. Aborting the signal cancels it. */
  async stream(request: KubeRequest): Promise<KubeStream> {
    return this.#exchange(request, (status, _headers, body, resolve) => resolve({ status, body }));
  }

  close(): void {
    this.#session?.http2.destroy();
    this.#session = undefined;
  }

  #exchange<T>(
    request: KubeRequest,
    // Resolves by a call, not a promise: a stream's close may come in the same tick as its end.
    onHead: (
      status: number,
      headers: KubeResponse["headers"],
      stream: ClientHttp2Stream,
      resolve: (value: T) => void,
    ) => void,
    mayRepeat = true,
  ): Promise<T> {
    const { method = "GET", timeoutMs = defaultTimeoutMs, signal } = request;
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const session = this.#liveSession();
      const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
      const stream = session.http2.request(
        {
          ":method": method,
          ":path": this.#prefix + pathWithQuery(request),
          accept: "application/json",
          ...(body ? { "content-type": request.contentType ?? "application/json" } : {}),
          ...(this.#credentials.token ? { authorization: `Bearer ${this.#credentials.token}` } : {}),
        },
        { endStream: body === undefined },
      );
      hold(session, stream);
      let settled = false;
      const settle = (how: () => void) => {
        clearTimeout(timer);
        if (!settled) how();
        settled = true;
      };
      const fail = (cause: unknown) =>
        settle(() => {
          // A server that ends did not look at it (RFC 9113 §8.7): the next one may be asked, whatever was asked for.
          if (mayRepeat && stream.rstCode === constants.NGHTTP2_REFUSED_STREAM && !signal?.aborted) {
            if (this.#session === session) this.#session = undefined;
            session.http2.close();
            resolve(this.#exchange(request, onHead, false));
          } else reject(unreachable(this.#credentials.server, request, session.failure ?? cause));
        });
      const timer = setTimeout(() => {
        fail(new Error(`no answer within ${timeoutMs} ms`));
        // Whatever swallowed this request would swallow the next one too: start afresh.
        session.http2.destroy();
      }, timeoutMs);
      const onAbort = () => {
        settle(() => reject(signal?.reason));
        stream.close(constants.NGHTTP2_CANCEL);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      stream.on("close", () => {
        signal?.removeEventListener("abort", onAbort);
        fail(new Error("the connection was closed before the answer"));
      });
      stream.on("error", (error) => fail(error.cause ?? error));
      stream.on("response", (headers) =>
        onHead(Number(headers[":status"]), headers as KubeResponse["headers"], stream, (value) =>
          settle(() => resolve(value)),
        ),
      );
      if (body) stream.end(body);
    });
  }

  #liveSession(): Session {
    const current = this.#session?.http2;
    if (this.#session && !current?.closed && !current?.destroyed) return this.#session;
    const session: Session = {
      http2: connect(this.#origin, { createConnection: (url) => this.#openSocket(url) }),
      active: 0,
      failure: undefined,
    };
    // The requests on it report the failure; it is kept because some of them only see "stream cancelled".
    session.http2.on("error", (error) => {
      session.failure = error;
    });
    session.http2.unref();
    this.#session = session;
    return session;
  }

  #openSocket(url: URL): TLSSocket {
    const { caPem, certificatePem, privateKeyPem, serverName } = this.#credentials;
    const host = url.hostname.replace(/^\[|\]$/g, ""); // IPv6
    const socket = connectTls({
      host,
      port: Number(url.port || 443),
      ALPNProtocols: ["h2"],
      ca: caPem,
      ...(certificatePem === undefined ? {} : { cert: certificatePem }),
      ...(privateKeyPem === undefined ? {} : { key: privateKeyPem }),
      // RFC 6066 §3: an address is no server name.
      ...(serverName !== undefined ? { servername: serverName } : isIP(host) ? {} : { servername: host }),
    });
    socket.setNoDelay(true);
    // A machine that is not up yet swallows the first packet, and the kernel asks again later and later: ask anew.
    const tooLong = setTimeout(
      () => socket.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    );
    const stop = () => clearTimeout(tooLong);
    socket.once("connect", stop).once("close", stop);
    return socket;
  }
}

/** A connection that waits for an answer keeps the process alive and is asked for signs of life; an idle one is not. */
function hold(session: Session, stream: ClientHttp2Stream): void {
  if (++session.active === 1) session.http2.ref();
  const pings = setInterval(() => ping(session), pingIntervalMs).unref();
  stream.once("close", () => {
    clearInterval(pings);
    if (--session.active === 0 && !session.http2.destroyed) session.http2.unref();
  });
}

/** A peer that vanished without a word (a machine paused or powered off) would leave a watch waiting for ever. */
function ping({ http2 }: Session): void {
  if (http2.destroyed || http2.connecting) return;
  const noAnswer = setTimeout(
    () => http2.destroy(new Error("the connection went silent")),
    pingIntervalMs - 1000,
  ).unref();
  http2.ping(() => clearTimeout(noAnswer));
}
