/*
 * Serves files over HTTP and tells of each request: web-server.mjs ADDRESS PORT DIRECTORY
 * Prints a line of JSON for each: {"method", "path", "body"}.
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { basename, join } from "node:path";

/** A request that it had. */
export interface WebRequest {
  method: string;
  path: string;
  body: string;
}

const [address = "", port = "", directory = ""] = process.argv.slice(2);

createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  const seen: WebRequest = { method: request.method ?? "", path: request.url ?? "", body };
  process.stdout.write(`${JSON.stringify(seen)}\n`);
  if (seen.method === "POST") return response.writeHead(204).end();
  try {
    response.end(await readFile(join(directory, basename(seen.path))));
  } catch {
    response.writeHead(404).end();
  }
}).listen(Number(port), address, () => process.stdout.write("listening\n"));
