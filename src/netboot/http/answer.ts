import type { Labels } from "../inventory/types.js";

/** A request as the handlers see it, from the wire or made up. */
export interface HttpRequest {
  method: string;
  /** Path and query as in the request line, still encoded. */
  target: string;
  /** Names in lower case. */
  readonly headers: HttpHeaders;
  /** The client's address. */
  address: string;
}

export type HttpHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** What is answered. */
export type HttpAnswer = BytesAnswer | SignatureAnswer | AssetAnswer | MetricsAnswer | UnknownPath;

export interface BytesAnswer {
  type: "bytes";
  response: HttpResponse;
  facts: RequestFacts;
  /** To be waited for before the first byte goes out; if it fails, 503 goes out instead. */
  ready?: Promise<void>;
  /** Called once when it is over: whether the whole document has gone out. */
  ended?: (whole: boolean) => void;
}

/** The detached OpenPGP signature of an answer, in place of it. */
export interface SignatureAnswer {
  type: "signature";
  of: BytesAnswer;
  armored: boolean;
}

/** A file or directory below the assets directory, or a boot file below the lab's. */
export interface AssetAnswer {
  type: "asset";
  directory: string;
  /** Decoded and clean: relative, without `.`, `..` and empty parts; empty for the directory itself. */
  path: string;
  /** The URL's path ended in a slash. */
  slash: boolean;
  facts: RequestFacts;
}

export interface MetricsAnswer {
  type: "metrics";
  facts: RequestFacts;
}

/** A path that is not ours. */
export interface UnknownPath {
  type: "unknown";
  path: string;
  facts: RequestFacts;
}

/** Made once, sent often: nothing in it is changed. */
export interface HttpResponse {
  status: number;
  /** Name, value, name, value …, Content-Length among them. */
  headers: readonly string[];
  body: Buffer;
}

/** What a request was about, for logs, timelines and metrics. */
export interface RequestFacts {
  /** One of a few: the path, `/assets/` for all below it, `other`. */
  route: string;
  labels?: Labels;
  group?: string;
  profile?: string;
  /** The query without its token. */
  query?: string;
  error?: string;
  /** What it got in place of the boot profile, and why. */
  instead?: { gets: string; because: string };
}

export const textType = "text/plain; charset=utf-8";

export function response(
  status: number,
  contentType: string,
  body: string | Buffer,
  ...more: readonly string[]
): HttpResponse {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  return {
    status,
    headers: ["Content-Type", contentType, ...more, "Content-Length", String(bytes.length)],
    body: bytes,
  };
}

/** An error as Go's net/http words and marks it: matchbox's clients know no other. */
export const plainError = (status: number, text: string, ...more: readonly string[]): HttpResponse =>
  response(status, textType, `${text}\n`, "X-Content-Type-Options", "nosniff", ...more);

export const notFound: HttpResponse = plainError(404, "404 page not found");

export const redirect = (location: string): HttpResponse => ({
  status: 301,
  headers: ["Location", location, "Content-Length", "0"],
  body: Buffer.alloc(0),
});
