import { createServer, request as forward, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Scope } from "../base/scope.js";

/**
 * For tests: a real proxy on the loopback, for http (the whole URL, RFC 9112 §3.2.2) and for tunnels (CONNECT, RFC 9110
 * §9.3.6). Whatever host it is asked for, it goes to `target` on the loopback: names in tests need no DNS.
 */
export class TestProxy {
  /** `CONNECT release.test:443` or `GET http://release.test/file`, and how the client presented itself. */
  readonly asked: { what: string; authorization: string | undefined }[] = [];
  readonly #server = createServer();
  /** Answers everything with this status, when it is set. */
  refusal: number | undefined;

  static async listen(target: { port: number }, scope: Scope): Promise<TestProxy> {
    const proxy = new TestProxy();
    proxy.#server.on("request", (request, response) => {
      proxy.#note(request);
      const { pathname } = new URL(request.url ?? "");
      const options = { port: target.port, path: pathname, headers: request.headers };
      const onward = forward(options, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on("error", () => response.destroy());
      request.pipe(onward);
    });
    proxy.#server.on("connect", (request: IncomingMessage, socket, head: Buffer) => {
      proxy.#note(request);
      if (proxy.refusal !== undefined) return socket.end(`HTTP/1.1 ${proxy.refusal} No\r\n\r\n`);
      const onward = connect(target.port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        onward.write(head);
        onward.pipe(socket).pipe(onward);
      });
      onward.on("error", () => socket.destroy());
      socket.on("error", () => onward.destroy());
      return undefined;
    });
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    scope.defer(() => {
      proxy.#server.closeAllConnections();
      proxy.#server.close();
    });
    return proxy;
  }

  #note({ method, url, headers }: IncomingMessage): void {
    this.asked.push({ what: `${method} ${url}`, authorization: headers["proxy-authorization"] });
  }

  /** `127.0.0.1:3128` */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
}
