import type { IncomingMessage, ServerResponse } from "node:http";
import { messageOf } from "../../base/errors.js";
import type { Lives } from "../life/lives.js";
import { maxReportBytes, parseReport } from "../life/report-request.js";
import type { EventStreams } from "../timeline/events.js";

export interface MachinePathsOptions {
  lives: Lives;
  /** Given: GET /events tells everybody what machines do. */
  events?: EventStreams | undefined;
}

/** Paths of the HTTP server beside matchbox's: `POST /report` for nodes and, if it is on, `GET /events`. */
export function machinePaths({ lives, events }: MachinePathsOptions) {
  return (request: IncomingMessage, response: ServerResponse, path: string): boolean => {
    if (path === "/report") {
      takeReport(lives, request, response).catch((error: unknown) => plain(response, 503, messageOf(error)));
      return true;
    }
    if (path !== "/events" || !events) return false;
    if (request.method !== "GET") plain(response, 405, "GET, please", { Allow: "GET" });
    else
      events.serve(
        response,
        new URL(request.url ?? "/", "http://x").searchParams.get("machine") ?? undefined,
      );
    return true;
  };
}

async function takeReport(lives: Lives, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== "POST") return plain(response, 405, "POST, please", { Allow: "POST" });
  const body = await readBody(request);
  if (body === undefined)
    return plain(response, 413, `at most ${maxReportBytes} bytes`, { Connection: "close" });
  const address = (request.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  const report = parseReport(
    body,
    request.headers["content-type"] ?? "",
    (request.url ?? "").split("?")[1] ?? "",
    address,
  );
  if ("invalid" in report) return plain(response, 400, report.invalid);
  const answer = await lives.report(report);
  if ("ok" in answer) plain(response, 200, "ok");
  else plain(response, answer.status, answer.reason);
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxReportBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function plain(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent) return;
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", ...headers });
  response.end(`${text}\n`);
}
