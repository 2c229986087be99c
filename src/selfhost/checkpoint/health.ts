import { createServer } from "node:http";
import { messageOf, systemCode } from "../../base/errors.js";

/** Whether all is well: throws what is not. */
export type HealthCheck = () => Promise<string>;

/**
 * Answers `GET /healthz` on the loopback interface: 200 with what is well, 503 with what is not. Waits for the port as long as
 * another instance has it.
 */
export function serveHealth(port: number, check: HealthCheck, signal: AbortSignal): void {
  const server = createServer((request, response) => {
    const answer = (status: number, text: string) =>
      response.writeHead(status, { "content-type": "text/plain" }).end(`${text}\n`);
    if (request.method !== "GET" || request.url !== "/healthz")
      return answer(404, "there is only GET /healthz");
    check().then(
      (text) => answer(200, text),
      (error: unknown) => answer(503, messageOf(error)),
    );
  });
  const listen = () => {
    if (!signal.aborted) server.listen(port, "127.0.0.1");
  };
  server.on("error", (error) => {
    if (systemCode(error) === "EADDRINUSE") setTimeout(listen, 1_000).unref();
  });
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  signal.addEventListener("abort", close, { once: true });
  listen();
}
