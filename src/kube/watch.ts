import { SlipwayError } from "../base/errors.js";
import { isSuccess, type KubeClient, type ObjectSelector, selectorQuery } from "./client.js";
import { refused } from "./failures.js";
import type { KubeRequest } from "./request.js";
import type { ApiStatus, KubeObject } from "./wire.js";

export interface WatchEvent<T> {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  object: T;
}

/** How long the server keeps a watch open before it ends it and is asked again. */
const watchSeconds = 300;

/**
 * Follows a collection from a resource version on. Ends when the server ends it; go on from the last event's version.
 *
 * @throws {SlipwayError} `API_REFUSED`, with status 410 when the version is too old: list again; `API_UNREACHABLE`
 * when the connection is lost; the signal's reason when aborted.
 */
export async function* watchObjects<T extends KubeObject>(
  client: KubeClient,
  select: ObjectSelector,
  { resourceVersion, signal }: { resourceVersion: string; signal: AbortSignal },
): AsyncGenerator<WatchEvent<T>> {
  const request: KubeRequest = {
    path: select.path,
    query: {
      ...selectorQuery(select),
      watch: "true",
      allowWatchBookmarks: "true",
      timeoutSeconds: String(watchSeconds),
      resourceVersion,
    },
    signal,
  };
  const { status, body } = await client.stream(request);
  if (!isSuccess({ status, headers: {}, body: "" })) {
    let text = "";
    for await (const chunk of body.setEncoding("utf8")) text += chunk;
    throw refused(request, { status, headers: {}, body: text });
  }
  try {
    let rest = "";
    for await (const chunk of body.setEncoding("utf8") as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") yield readEvent<T>(request, line);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SlipwayError) throw error;
    throw new SlipwayError("API_UNREACHABLE", "the connection to the API server was lost", {
      details: { server: client.server, request: `GET ${select.path}` },
      cause: error,
    });
  } finally {
    body.destroy();
  }
}

function readEvent<T>(request: KubeRequest, line: string): WatchEvent<T> {
  const event = JSON.parse(line) as WatchEvent<T> | { type: "ERROR"; object: ApiStatus };
  if (event.type === "ERROR") {
    throw refused(request, {
      status: event.object.code ?? 500,
      headers: {},
      body: JSON.stringify(event.object),
    });
  }
  return event;
}
