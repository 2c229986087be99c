import type { IncomingMessage, ServerResponse } from "node:http";
import { isSlipwayError, messageOf } from "../../base/errors.js";
import { parseMac } from "../../net/mac.js";
import type { OtherPaths } from "../http/server.js";
import type { Lives } from "../life/lives.js";
import { type ReportStage, reportStages } from "../life/types.js";
import type { EventStreams } from "../timeline/events.js";

export interface OtherPathsOptions {
  lives: Lives;
  /** iPXE's builds by name. */
  bootFiles: ReadonlyMap<string, Buffer>;
  /** Told to whoever asks; undefined: to nobody. */
  events: () => EventStreams | undefined;
}

/** A report is a form of a few fields. */
const maxReportBytes = 16 * 1024;

/** What slipway's HTTP server has besides matchbox's API: reports of nodes, boot files for UEFI, what happens. */
export function otherPaths({ lives, bootFiles, events }: OtherPathsOptions): OtherPaths {
  return (request, response, path) => {
    if (path === "/report") {
      void takeReport(lives, request, response);
      return true;
    }
    if (path.startsWith("/boot-files/")) {
      const file = bootFiles.get(path.slice("/boot-files/".length));
      if (!file) return false;
      sendFile(file, request, response);
      return true;
    }
    const streams = path === "/events" ? events() : undefined;
    if (streams)
      streams.serve(
        response,
        new URL(request.url ?? "/", "http://_").searchParams.get("machine") ?? undefined,
      );
    return streams !== undefined;
  };
}

function sendFile(file: Buffer, { method }: IncomingMessage, response: ServerResponse): void {
  if (method !== "GET" && method !== "HEAD") {
    end(response, 405, "only GET and HEAD");
    return;
  }
  response.writeHead(200, { "Content-Type": "application/efi", "Content-Length": file.length });
  response.end(method === "HEAD" ? undefined : file);
}

/** `mac`, `stage`, and perhaps `message` and `token`, as a form; from the machine's own address or with its token. */
async function takeReport(lives: Lives, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    if (request.method !== "POST") return end(response, 405, "only POST");
    const body = await readBody(request);
    if (body === undefined) return end(response, 413, "too long");
    const form = new URLSearchParams(body);
    const stage = form.get("stage");
    if (!isStage(stage)) return end(response, 400, `stage is one of ${reportStages.join(", ")}`);
    const address = request.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "";
    const result = await lives.report({
      mac: parseMac(form.get("mac") ?? ""),
      address,
      stage,
      reason: form.get("message")?.slice(0, 500) || undefined,
      token: form.get("token") ?? undefined,
    });
    if ("ok" in result) end(response, 200, "noted");
    else end(response, result.status, result.reason);
  } catch (error) {
    end(response, isSlipwayError(error) ? 400 : 500, isSlipwayError(error) ? messageOf(error) : "failed");
  }
}

const isStage = (text: string | null): text is ReportStage => reportStages.includes(text as ReportStage);

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxReportBytes) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function end(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
  response.end(`${text}\n`);
}
