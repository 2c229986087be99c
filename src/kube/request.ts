import type { ClientHttp2Stream } from "node:http2";

export type Query = Record<string, string | undefined>;

export interface KubeRequest {
  /** @default "GET" */
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Absolute path without the query: `/api/v1/nodes`. */
  path: string;
  /** Entries that are undefined are left out. */
  query?: Query;
  /** Sent as JSON. */
  body?: unknown;
  /** @default "application/json" */
  contentType?: string;
  /** Until the answer is complete, or for a stream until its head is there. @default 30000 */
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface KubeResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** The head of an answer whose body is still coming. */
export interface KubeStream {
  status: number;
  /** Ends when the server ends it; destroying it cancels the request. */
  body: ClientHttp2Stream;
}

/** The request's path as it is sent, without the server's own prefix. */
export function pathWithQuery({ path, query = {} }: Pick<KubeRequest, "path" | "query">): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) parameters.set(key, value);
  return parameters.size === 0 ? path : `${path}?${parameters}`;
}
