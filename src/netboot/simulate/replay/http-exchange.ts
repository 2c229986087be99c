import { createHash } from "node:crypto";
import type { HttpRequest } from "../../http/answer.js";
import type { HeardHttp } from "../unplugged-server.js";
import type { Segment } from "./segments.js";

/** The request that a segment begins; undefined: it begins none. */
export function httpRequest({ payload, source }: Segment): HttpRequest | undefined {
  const [head = ""] = payload.toString("latin1").split("\r\n\r\n", 1);
  const [line = "", ...lines] = head.split("\r\n");
  const [, method, target] = /^(GET|HEAD|POST|PUT|DELETE|OPTIONS) (\S+) HTTP\/1\.[01]$/.exec(line) ?? [];
  if (method === undefined || target === undefined) return undefined;
  return { method, target, headers: headersOf(lines), address: source };
}

function headersOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name, value] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name.toLowerCase(), value]];
    }),
  );
}

/** What of an answer is compared. */
export interface ParsedResponse {
  fields: ReadonlyMap<string, string>;
  /** Undefined: not all of it was in the packets that were looked at. */
  body?: Buffer;
}

/** The response that a server's packets begin; undefined: they begin none. */
export function parseResponse(stream: Buffer): ParsedResponse | undefined {
  const end = stream.indexOf("\r\n\r\n");
  const [line = "", ...lines] = stream.toString("latin1", 0, end < 0 ? stream.length : end).split("\r\n");
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(line) ?? [];
  if (status === undefined) return undefined;
  const headers = headersOf(lines);
  const length = headers["content-length"];
  const body = end < 0 || length === undefined ? undefined : stream.subarray(end + 4);
  const isWhole = body !== undefined && body.length === Number(length) && body.length > 0;
  return {
    fields: fieldsOf(Number(status), headers, isWhole ? body : undefined),
    ...(isWhole ? { body } : {}),
  };
}

/** The same of an answer from here. @param withBody the other one's body is known, too */
export const httpAnswer = (
  { status, headers, body }: HeardHttp,
  withBody: boolean,
): ReadonlyMap<string, string> => fieldsOf(status, headers, withBody && body.length > 0 ? body : undefined);

function fieldsOf(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Buffer | undefined,
): ReadonlyMap<string, string> {
  const said = ["content-type", "content-length", "location"].flatMap((name) =>
    headers[name] === undefined ? [] : [[name, headers[name]] as const],
  );
  return new Map([
    ["answer", String(status)],
    ...said,
    ...(body
      ? [["body (SHA-256)", createHash("sha256").update(body).digest("hex").slice(0, 16)] as const]
      : []),
  ]);
}
