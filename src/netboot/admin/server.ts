import { chmod, chown, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { isSlipwayError, messageOf, SlipwayError } from "../../base/errors.js";
import type { Owner } from "../../base/files.js";
import type { Lives } from "../life/lives.js";
import type { EventStreams } from "../timeline/events.js";

export const socketIn = (directory: string): string => join(directory, "admin.sock");

/** Linux takes no longer path for a socket (unix(7)). */
const maxPathBytes = 107;

export const adminVerbs = ["approve", "reset", "retire"] as const;
export type AdminVerb = (typeof adminVerbs)[number];

/**
 * Takes the orders of the lab's owner, on a Unix socket of mode 0600 in the state directory: HTTP, `POST /machines/MAC/VERB`
 * and `GET /events?machine=`. The caller holds the lock of the state.
 *
 * @throws {SlipwayError} `PREFLIGHT_FAILED`
 */
export async function startAdminServer(
  directory: string,
  { lives, events, owner }: { lives: Lives; events: EventStreams; owner?: Owner | undefined },
): Promise<AsyncDisposable & { close(): Promise<void> }> {
  const path = socketIn(directory);
  if (Buffer.byteLength(path) > maxPathBytes) {
    throw new SlipwayError("PREFLIGHT_FAILED", `${path} is too long for the path of a socket`, {
      hint: "choose a shorter directory with --state",
    });
  }
  const server = createServer((request, response) => {
    answer(request, response, lives, events).catch((error: unknown) => json(response, 500, errorBody(error)));
  });
  // Whoever had the lock before us left it, if it is there.
  await rm(path, { force: true });
  // The directory is 0700: nobody comes in before the mode is set.
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new SlipwayError("PREFLIGHT_FAILED", `cannot listen on ${path}: ${messageOf(cause)}`, { cause }),
      ),
    );
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  if (owner) await chown(path, owner.uid, owner.gid);
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    events.close();
    server.closeAllConnections();
    await closed;
    await rm(path, { force: true });
  };
  return { close, [Symbol.asyncDispose]: close };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  lives: Lives,
  events: EventStreams,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://socket");
  if (request.method === "GET" && pathname === "/events") {
    events.serve(response, searchParams.get("machine") ?? undefined);
    return;
  }
  const [, mac = "", verb] = /^\/machines\/([0-9a-f:]+)\/([a-z]+)$/.exec(pathname) ?? [];
  const known = adminVerbs.find((each) => each === verb);
  if (request.method !== "POST" || known === undefined) {
    json(response, 404, { code: "USAGE", message: "no such thing" });
    return;
  }
  try {
    json(response, 200, await lives.admin(mac, known));
  } catch (error) {
    json(response, isSlipwayError(error) ? 409 : 500, errorBody(error));
  }
}

const errorBody = (error: unknown) => ({
  code: isSlipwayError(error) ? error.code : "INTERNAL",
  message: messageOf(error),
  ...(isSlipwayError(error) && error.hint !== undefined ? { hint: error.hint } : {}),
});

function json(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent) return;
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(`${JSON.stringify(value)}\n`);
}
