import fresh from "fresh";
import parseRange from "range-parser";
import { type HttpHeaders, plainError } from "./answer.js";

/** What is served, of which a client may want a part, or nothing when it has it already. */
export interface Content {
  size: number;
  contentType: string;
  /** Undefined: it has no date, as it is made for each request. */
  modified?: Date;
}

/** What to send: head, and which bytes; none: the body that is given. */
export interface ContentAnswer {
  status: number;
  headers: readonly string[];
  /** First byte and the one after the last. */
  part: { start: number; end: number } | { body: Buffer };
}

/**
 * Conditions and ranges (RFC 9110 §13, §14) of a request for something that is there. Of several ranges at once the
 * whole is sent, as the RFC allows.
 */
export function contentAnswer(headers: HttpHeaders, { size, contentType, modified }: Content): ContentAnswer {
  const validators = modified
    ? [
        "Last-Modified",
        modified.toUTCString(),
        "ETag",
        `"${modified.getTime().toString(16)}-${size.toString(16)}"`,
      ]
    : [];
  const [, lastModified, , etag] = validators;
  if (etag && fresh(one(headers), { etag, "last-modified": lastModified })) {
    return { status: 304, headers: validators, part: { body: Buffer.alloc(0) } };
  }
  const common = ["Content-Type", contentType, "Accept-Ranges", "bytes", ...validators];
  const range = single(headers.range);
  const wanted =
    range === undefined || size === 0 || !rangeHolds(single(headers["if-range"]), etag, modified)
      ? undefined
      : parseRange(size, range);
  if (wanted === -1) {
    const refusal = plainError(
      416,
      "invalid range: failed to overlap",
      "Content-Range",
      `bytes */${size}`,
      ...validators.slice(0, 2),
    );
    return { ...refusal, part: { body: refusal.body } };
  }
  if (!Array.isArray(wanted) || wanted.type !== "bytes" || wanted.length !== 1) {
    return {
      status: 200,
      headers: [...common, "Content-Length", String(size)],
      part: { start: 0, end: size },
    };
  }
  const { start, end } = wanted[0]!;
  return {
    status: 206,
    headers: [
      ...common,
      "Content-Range",
      `bytes ${start}-${end}/${size}`,
      "Content-Length",
      String(end + 1 - start),
    ],
    part: { start, end: end + 1 },
  };
}

/** RFC 9110 §13.1.5: the part only of what the client has the other parts of. */
function rangeHolds(
  ifRange: string | undefined,
  etag: string | undefined,
  modified: Date | undefined,
): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.startsWith('"')) return ifRange === etag;
  return modified !== undefined && Math.floor(modified.getTime() / 1000) * 1000 === Date.parse(ifRange);
}

/** The first, where there are several. */
export const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;

const one = (headers: HttpHeaders): Record<string, string | undefined> => ({
  "if-none-match": single(headers["if-none-match"]),
  "if-modified-since": single(headers["if-modified-since"]),
  "cache-control": single(headers["cache-control"]),
});
