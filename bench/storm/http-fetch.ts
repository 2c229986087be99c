import { Agent, request } from "node:http";
import { Lost } from "./patience.js";

/** As long as iPXE waits for a server that says nothing. */
const timeoutMs = 60_000;

/** One machine's HTTP, from its own address, on one connection. */
export class HttpFetch {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  /** The body of a 200. @throws {Lost} for anything else: neither iPXE nor a boot script asks again */
  text(url: string, form?: Record<string, string>): Promise<string> {
    return new Promise((resolve, reject) => {
      const body = form && new URLSearchParams(form).toString();
      const lost = (why: string) => reject(new Lost(`HTTP: ${new URL(url).pathname}: ${why}`));
      const asked = request(url, {
        agent: this.#agent,
        localAddress: this.#address,
        method: body === undefined ? "GET" : "POST",
        timeout: timeoutMs,
        ...(body !== undefined && { headers: { "content-type": "application/x-www-form-urlencoded" } }),
      });
      asked.on("timeout", () => asked.destroy(new Error("timed out")));
      asked.on("error", (error) => lost(error.message));
      asked.on("response", (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("error", (error) => lost(error.message));
        response.on("end", () => {
          if (response.statusCode === 200) resolve(Buffer.concat(parts).toString("latin1"));
          else lost(String(response.statusCode));
        });
      });
      asked.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
