import { open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type Dispatcher, fetch, type Headers, type Response } from "undici";
import type { Context } from "../../base/context.js";
import { messageOf, SlipwayError, systemCode } from "../../base/errors.js";
import { makeDirectory, type Owner, writeError } from "../../base/files.js";
import { hashFile } from "../store.js";
import { dispatcherFor } from "./proxies.js";

export interface HttpBounds {
  /** Until the headers are there. */
  connectTimeoutMs: number;
  /** Without a byte of the body. */
  idleTimeoutMs: number;
  /** Below this for a minute counts as stalled. */
  leastBytesPerSecond: number;
  maxRedirects: number;
}

const defaultBounds: HttpBounds = {
  connectTimeoutMs: 10_000,
  idleTimeoutMs: 30_000,
  leastBytesPerSecond: 1024,
  maxRedirects: 5,
};

export interface FileDownload {
  url: string;
  destination: string;
  /** Lower-case hex; what has another hash is not accepted. */
  sha256: string;
  maxBytes: number;
  headers?: Record<string, string>;
  onProgress?: (doneBytes: number, totalBytes: number | undefined) => void;
}

/**
 * Downloads with bounds on everything. A host that could not be reached once is not tried again by the same client: a network
 * that refuses is found out once, not once a file.
 */
export class HttpClient {
  readonly #signal: AbortSignal;
  readonly #bounds: HttpBounds;
  /** Resolves with why, once it is known that the host cannot be reached. The first request to a host finds out. */
  readonly #hosts = new Map<string, Promise<Error | undefined>>();

  readonly #dispatcher: Dispatcher;
  readonly #owner: Owner | undefined;

  /** @throws {SlipwayError} `USAGE` for a proxy that is none */
  constructor(
    { signal, proxies, owner }: Pick<Context, "signal" | "proxies" | "owner">,
    bounds: Partial<HttpBounds> = {},
  ) {
    this.#signal = signal;
    this.#dispatcher = dispatcherFor(proxies);
    this.#owner = owner;
    this.#bounds = { ...defaultBounds, ...bounds };
  }

  /** @throws {SlipwayError} `COMPONENT_UNAVAILABLE` */
  async text(url: string, options: { maxBytes: number; headers?: Record<string, string> }): Promise<string> {
    return (await this.bytes(url, options)).body.toString("utf8");
  }

  /** A small document, whole, with its headers. Statuses in `accept` are given back instead of thrown. */
  async bytes(
    url: string,
    options: { maxBytes: number; headers?: Record<string, string>; accept?: readonly number[] },
  ): Promise<{ status: number; headers: Headers; body: Buffer }> {
    const chunks: Buffer[] = [];
    const response = await this.#open(url, options.headers ?? {}, options.accept ?? []);
    for await (const chunk of this.#body(response, url, options.maxBytes)) chunks.push(chunk);
    return { status: response.status, headers: response.headers, body: Buffer.concat(chunks) };
  }

  /**
   * A file of a known hash. A part that an interrupted download left (`<destination>.part`) is continued.
   * @throws {SlipwayError} `COMPONENT_UNAVAILABLE`, `COMPONENT_CORRUPT`, `DISK_FULL`; no destination is left then.
   */
  async file(download: FileDownload): Promise<void> {
    const part = `${download.destination}.part`;
    const resumed = await this.#appendTo(part, download);
    let found = await hashFile(part, this.#signal);
    if (found !== download.sha256 && resumed) {
      // The part was of another file, or damaged: once from the start.
      await rm(part, { force: true });
      await this.#appendTo(part, download);
      found = await hashFile(part, this.#signal);
    }
    if (found !== download.sha256) {
      await rm(part, { force: true });
      throw new SlipwayError("COMPONENT_CORRUPT", `${download.url} has another hash than was published`, {
        details: { expected: `sha256 ${download.sha256}`, found: `sha256 ${found}` },
      });
    }
    await rename(part, download.destination);
  }

  /** @returns whether it went on from a part that was there. */
  async #appendTo(part: string, { url, maxBytes, headers = {}, onProgress }: FileDownload): Promise<boolean> {
    await makeDirectory(dirname(part), { owner: this.#owner });
    const had = (await stat(part).catch(() => undefined))?.size ?? 0;
    const range: Record<string, string> = had > 0 ? { range: `bytes=${had}-` } : {};
    const response = await this.#open(url, { ...headers, ...range, "accept-encoding": "identity" }, [416]);
    if (response.status === 416) {
      await response.body?.cancel();
      return true; // all of it is there, or more than there is: its hash tells
    }
    const resumed =
      response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${had}-`) === true;
    let done = resumed ? had : 0;
    const length = Number(response.headers.get("content-length") ?? Number.NaN);
    const total = Number.isFinite(length) ? done + length : undefined;
    const handle = await open(part, resumed ? "a" : "w", 0o600);
    try {
      if (this.#owner) await handle.chown(this.#owner.uid, this.#owner.gid);
      for await (const chunk of this.#body(response, url, maxBytes - done)) {
        await handle.write(chunk).catch((error: unknown) => {
          throw writeError(part, error);
        });
        done += chunk.length;
        onProgress?.(done, total);
      }
    } catch (error) {
      // On a full disk the part is in the way; otherwise it is kept, to go on from.
      if (error instanceof SlipwayError && error.code === "DISK_FULL") await rm(part, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
    return resumed;
  }

  /** Sends the request, follows redirects, and gives back a response with a body to read. */
  async #open(url: string, headers: Record<string, string>, accept: readonly number[]): Promise<Response> {
    let at = checkedUrl(url);
    let sent = headers;
    for (let redirects = 0; ; redirects++) {
      const response = await this.#request(at, sent);
      if (response.status < 300 || accept.includes(response.status)) return response;
      await response.body?.cancel();
      const location = response.headers.get("location");
      if (response.status >= 400 || location === null) {
        throw unavailable(`${at.href} answers ${response.status}`);
      }
      if (redirects >= this.#bounds.maxRedirects) {
        throw unavailable(`${url} redirects more than ${this.#bounds.maxRedirects} times`);
      }
      const next = checkedUrl(location, at);
      if (at.protocol === "https:" && next.protocol !== "https:") {
        throw unavailable(`${at.href} redirects from https to ${next.protocol.slice(0, -1)}`);
      }
      // Credentials are for the host that they were given for (RFC 9110 §15.4).
      if (next.origin !== at.origin) sent = withoutAuthorization(sent);
      at = next;
    }
  }

  async #request(url: URL, headers: Record<string, string>): Promise<Response> {
    const { promise, resolve } = deferred<Error | undefined>();
    const known = this.#hosts.get(url.host);
    if (known) {
      const refusal = await known;
      if (refusal) throw unavailable(refusal.message, refusal);
    } else {
      this.#hosts.set(url.host, promise);
    }
    this.#signal.throwIfAborted();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.#bounds.connectTimeoutMs);
    try {
      const signal = AbortSignal.any([this.#signal, late.signal]);
      const response = await fetch(url, {
        headers,
        redirect: "manual",
        signal,
        dispatcher: this.#dispatcher,
      });
      resolve(undefined);
      return response;
    } catch (error) {
      this.#signal.throwIfAborted();
      const why = late.signal.aborted
        ? `did not answer within ${this.#bounds.connectTimeoutMs / 1000} s`
        : `cannot be reached (${connectionCause(error)})`;
      const refusal = new Error(`${url.host} ${why}`, { cause: error });
      resolve(refusal);
      this.#hosts.set(url.host, Promise.resolve(refusal));
      throw unavailable(refusal.message, error);
    } finally {
      clearTimeout(timer);
    }
  }

  async *#body(response: Response, url: string, maxBytes: number): AsyncGenerator<Buffer> {
    const expected =
      response.headers.get("content-encoding") === null
        ? Number(response.headers.get("content-length") ?? Number.NaN)
        : Number.NaN;
    if (expected > maxBytes) {
      await response.body?.cancel();
      throw unavailable(`${url} is ${expected} bytes long, more than the ${maxBytes} it may be`);
    }
    if (!response.body) return;
    const reader = response.body.getReader();
    const startedMs = performance.now();
    let done = 0;
    let failure: unknown;
    try {
      for (;;) {
        const chunk = await this.#nextChunk(reader, url);
        if (chunk === undefined) break;
        done += chunk.length;
        if (done > maxBytes) throw unavailable(`${url} is longer than the ${maxBytes} bytes it may be`);
        const seconds = (performance.now() - startedMs) / 1000;
        if (seconds > 60 && done / seconds < this.#bounds.leastBytesPerSecond) {
          throw unavailable(`${url} stalled: ${done} bytes in ${Math.round(seconds)} s`);
        }
        yield chunk;
      }
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      await reader.cancel(failure).catch(() => {}); // also when the reader of this generator stopped early
    }
    if (Number.isFinite(expected) && done !== expected) {
      throw unavailable(`${url} was cut short: ${done} of ${expected} bytes`);
    }
  }

  async #nextChunk(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    url: string,
  ): Promise<Buffer | undefined> {
    const { idleTimeoutMs } = this.#bounds;
    const { promise: failed, reject } = deferred<never>();
    const timer = setTimeout(
      () => reject(unavailable(`${url} stalled: no byte for ${idleTimeoutMs / 1000} s`)),
      idleTimeoutMs,
    );
    const onAbort = () => reject(this.#signal.reason);
    this.#signal.addEventListener("abort", onAbort, { once: true });
    try {
      const { done, value } = await Promise.race([reader.read(), failed]);
      return done ? undefined : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    } catch (error) {
      this.#signal.throwIfAborted();
      if (error instanceof SlipwayError) throw error;
      throw unavailable(`${url} was cut short (${connectionCause(error)})`, error);
    } finally {
      clearTimeout(timer);
      this.#signal.removeEventListener("abort", onAbort);
    }
  }
}

const unavailable = (message: string, cause?: unknown) =>
  new SlipwayError("COMPONENT_UNAVAILABLE", message, cause === undefined ? {} : { cause });

function checkedUrl(text: string, from?: URL): URL {
  const url = URL.canParse(text, from?.href) ? new URL(text, from?.href) : undefined;
  const what = from ? `${from.href} redirects to "${text}", which` : `"${text}"`;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw unavailable(`${what} is not an http or https URL`);
  }
  if (url.username || url.password) {
    throw unavailable(`the URL of ${url.host} holds credentials, which do not belong there`);
  }
  return url;
}

const withoutAuthorization = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== "authorization"));

/** fetch wraps what went wrong, more than once with a proxy: "fetch failed", cause: ECONNREFUSED. */
function connectionCause(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  const code = systemCode(cause);
  return code === undefined || code.startsWith("UND_ERR_") ? messageOf(cause) : code;
}

/** Promise.withResolvers, which Node 20 lacks. */
function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {}); // not everybody waits for it
  return { promise, resolve, reject };
}
