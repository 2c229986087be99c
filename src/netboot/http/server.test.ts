import { once } from "node:events";
import { mkdir, readdir, readlink, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import { systemClock } from "../../base/clock.js";
import { createAuthority } from "../../pki/authority.js";
import { issueCertificate } from "../../pki/certificate.js";
import { TestLab } from "../inventory/testing.js";
import type { Observation } from "../observation.js";
import { NetbootMetrics } from "./metrics.js";
import { RenderedCache } from "./rendered.js";
import { type HttpServer, type HttpServerOptions, startHttpServer } from "./server.js";

const files = {
  "groups/default.json": JSON.stringify({ id: "default", profile: "p" }),
  "profiles/p.json": JSON.stringify({ id: "p", boot: { kernel: "/assets/vmlinuz", initrd: [], args: [] } }),
  "assets/vmlinuz": "kernel",
};

/** A server, what it saw, and the lab that it serves. */
async function serve(more: Partial<HttpServerOptions> = {}) {
  const lab = await TestLab.create(files);
  const { snapshot } = await lab.load();
  const seen: Observation[] = [];
  const starting = startHttpServer({
    address: "127.0.0.1",
    port: 0,
    snapshot: () => snapshot!,
    state: { rendered: new RenderedCache() },
    metrics: new NetbootMetrics(),
    observe: (observation) => seen.push(observation),
    clock: systemClock,
    ...more,
  });
  const server: HttpServer = await starting.catch(async (error) => {
    await lab[Symbol.asyncDispose]();
    throw error;
  });
  return {
    lab,
    seen,
    server,
    url: `http://127.0.0.1:${server.port}`,
    async [Symbol.asyncDispose]() {
      await server.close(0);
      await lab[Symbol.asyncDispose]();
    },
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(5);
}

/** Sends text as it is, and gives all that comes until the server closes. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {}); // a reset ends it as well
  socket.write(text);
  let got = "";
  socket.on("data", (chunk) => {
    got += chunk;
  });
  await once(socket, "close");
  return got;
}

test("requests are told of, with who asked, what for, and how it went", async () => {
  await using at = await serve();
  const ok = await fetch(`${at.url}/ipxe?mac=52-54-00-00-00-01`, { headers: { "user-agent": "iPXE/1.21" } });
  expect(await ok.text()).toContain("kernel /assets/vmlinuz");
  await fetch(`${at.url}/ignition`);
  await fetch(`${at.url}/healthz`);
  await until(() => at.seen.length === 2);
  expect(at.seen).toMatchObject([
    {
      mac: "52:54:00:00:00:01",
      address: "127.0.0.1",
      stage: "http",
      what: "GET /ipxe",
      outcome: "ok",
      bytes: 35,
      details: { group: "default", profile: "p", agent: "iPXE/1.21", query: "mac=52-54-00-00-00-01" },
    },
    {
      stage: "ignition",
      outcome: "failed",
      details: { status: "404", error: expect.stringContaining("no ignition") },
    },
  ]);
  const metrics = await (await fetch(`${at.url}/metrics`)).text();
  expect(metrics).toContain('slipway_http_requests_total{route="/ipxe",status="200"} 1');
});

test("a transfer that the client breaks off is told of as that", async () => {
  await using at = await serve();
  await writeFile(join(at.lab.directory, "assets/big"), Buffer.alloc(64 * 1024 * 1024));
  const socket = connect(at.server.port, "127.0.0.1");
  socket.write("GET /assets/big HTTP/1.1\r\nHost: a\r\n\r\n");
  await once(socket, "data");
  socket.destroy();
  await until(() => at.seen.length === 1);
  expect(at.seen[0]).toMatchObject({ what: "GET /assets/big", outcome: "aborted" });
  expect(at.seen[0]!.bytes).toBeLessThan(64 * 1024 * 1024);
});

test("requests that wait behind another hold no file, and come to nothing when the connection breaks off", async () => {
  await using at = await serve();
  await writeFile(join(at.lab.directory, "assets/big"), Buffer.alloc(64 * 1024 * 1024));
  const open = async () => {
    const fds = await readdir("/proc/self/fd");
    const links = await Promise.all(fds.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
    return links.filter((path) => path.startsWith(at.lab.directory)).length;
  };
  const socket = connect(at.server.port, "127.0.0.1");
  socket.write("GET /assets/big HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20));
  await once(socket, "data");
  expect(await open()).toBe(1);
  socket.destroy();
  while ((await open()) > 0) await delay(5);
  expect(at.seen).toMatchObject([{ what: "GET /assets/big", outcome: "aborted" }]);
});

test("requests are answered in the order in which they came, and too many at a time end the connection", async () => {
  await using at = await serve({ limits: { maxWaiting: 10 } });
  const ask = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
  const asked = [
    ask("/assets/vmlinuz"),
    ask("/ipxe?mac=52:54:00:00:00:01"),
    ask("/healthz"),
    ask("/nothing"),
  ];
  const closing = ask("/assets/vmlinuz", "Connection: close\r\n");
  const got = await raw(at.server.port, asked.join("") + closing + ask("/ipxe?mac=52:54:00:00:00:02"));
  expect(got.match(/HTTP\/1\.1 \d+/g)!.map((line) => line.slice(9))).toEqual([
    "200",
    "200",
    "200",
    "404",
    "200",
  ]);
  const broken = await raw(at.server.port, `${asked.join("")}no HTTP\r\n\r\n`);
  expect(broken.match(/HTTP\/1\.1 \d+/g)!.map((line) => line.slice(9))).toEqual([
    "200",
    "200",
    "200",
    "404",
    "400",
  ]);
  expect(await raw(at.server.port, ask("/assets/vmlinuz").repeat(12))).not.toContain("kernel".repeat(2));
  const metrics = await (await fetch(`${at.url}/metrics`)).text();
  expect(metrics).toContain('slipway_http_bad_requests_total{reason="Too Many Pipelined Requests"} 1');
});

test("HEAD has the headers and no body, and a request's body ends the connection", async () => {
  await using at = await serve();
  const head = await raw(
    at.server.port,
    "HEAD /assets/vmlinuz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  );
  expect(head).toMatch(/Content-Length: 6\r\n/);
  expect(head).toMatch(/\r\n\r\n$/);
  const post = await raw(at.server.port, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /");
  expect(post).toMatch(/Connection: close\r\n.*\r\n\r\nmatchbox\n$/s);
});

test("who sends too much or too slowly is cut, and others are served meanwhile", async () => {
  await using at = await serve({ limits: { headersTimeoutMs: 200, maxHeaderBytes: 4096 } });
  const slow = raw(at.server.port, "GET / HTTP/1.1\r\nX: ");
  expect(await (await fetch(at.url)).text()).toBe("matchbox\n");
  expect(await slow).toContain("408 Request Timeout");
  expect(await raw(at.server.port, `GET / HTTP/1.1\r\nX: ${"x".repeat(8192)}`)).toContain("431");
  expect(await raw(at.server.port, "\x16\x03\x01 hello\r\n\r\n")).toContain("400 Bad Request");
});

test("a body that never ends is cut, also while somebody waits for it", async () => {
  const otherPaths = (request: IncomingMessage): boolean => {
    request.resume(); // and answers when it has all
    return true;
  };
  await using at = await serve({ otherPaths, limits: { headersTimeoutMs: 200 } });
  const head = "POST /report HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nmac=";
  const ask = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
  expect((await raw(at.server.port, ask + head)).match(/HTTP\/1\.1 \d+/g)).toEqual([
    "HTTP/1.1 200",
    "HTTP/1.1 408",
  ]);
});

test("one client cannot have all connections, nor keep one without taking its answer", async () => {
  await using at = await serve({ limits: { maxConnectionsPerClient: 2, idleTimeoutMs: 200 } });
  await writeFile(join(at.lab.directory, "assets/big"), Buffer.alloc(64 * 1024 * 1024));
  const sockets: Socket[] = [];
  for (let i = 0; i < 3; i++) {
    const socket = connect(at.server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.pause();
    socket.write("GET /assets/big HTTP/1.1\r\nHost: a\r\n\r\n");
    sockets.push(socket);
    await once(socket, "connect");
  }
  await until(() => at.server.connections().refused === 1);
  await until(() => at.server.connections().open === 0);
  expect(at.seen.map(({ outcome }) => outcome)).toEqual(["aborted", "aborted"]);
  for (const socket of sockets) socket.destroy();
});

test("a document waits for its guard, and the guard hears whether it went out whole", async () => {
  const heard: string[] = [];
  let letGo = () => {};
  const ready = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await using at = await serve({
    state: {
      rendered: new RenderedCache(),
      guard: ({ method }) => ({ type: "serve", ready, ended: (whole) => heard.push(`${method} ${whole}`) }),
    },
  });
  const left = new AbortController();
  const gone = fetch(`${at.url}/ipxe?n=1`, { signal: left.signal }).catch(() => "gone");
  await delay(50);
  left.abort();
  expect(await gone).toBe("gone");
  const got = fetch(`${at.url}/ipxe`);
  await delay(50);
  expect(heard).toEqual([]);
  letGo();
  expect((await got).status).toBe(200);
  await until(() => heard.length === 2);
  expect(heard.sort()).toEqual(["GET false", "GET true"]);
  await fetch(`${at.url}/ipxe`, { method: "HEAD" });
  await until(() => heard.length === 3);
  expect(heard[2]).toBe("HEAD false");
});

test("a guard that fails lets nothing out: 503", async () => {
  await using at = await serve({
    state: {
      rendered: new RenderedCache(),
      guard: () => ({ type: "serve", ready: Promise.reject(new Error("the disk is full")) }),
    },
  });
  const got = await fetch(`${at.url}/ipxe`);
  expect([got.status, got.headers.get("retry-after")]).toEqual([503, "1"]);
});

test("HTTPS takes up a new certificate; a bad one is told of and the old one goes on", async () => {
  await using lab = await TestLab.create();
  const tls = { certificate: join(lab.directory, "tls/crt"), key: join(lab.directory, "tls/key") };
  await mkdir(join(lab.directory, "tls"));
  const now = new Date();
  const authority = createAuthority("boot", { now, years: 1 });
  const issue = async (name: string) => {
    const request = {
      name,
      authority: "cluster" as const,
      commonName: name,
      organizations: [],
      usages: ["server" as const],
      dnsNames: ["boot.example"],
      ips: ["127.0.0.1"],
    };
    const { certificatePem, privateKeyPem } = issueCertificate(request, authority, { now, days: 1 });
    await writeFile(tls.certificate, certificatePem);
    await writeFile(tls.key, privateKeyPem, { mode: 0o600 });
  };
  await issue("first");
  const problems: unknown[] = [];
  await using at = await serve({ tls, tlsLookMs: 20, onTlsProblem: (problem) => problems.push(problem) });
  const name = async (): Promise<string> => {
    const request = httpsRequest({
      host: "127.0.0.1",
      port: at.server.port,
      ca: authority.certificatePem,
      agent: false,
    });
    request.end();
    const [response] = await once(request, "response");
    response.resume();
    return (response.socket as TLSSocket).getPeerCertificate().subject.CN as string;
  };
  expect(await name()).toBe("first");
  await writeFile(tls.certificate, "broken");
  await until(() => problems.length > 0);
  expect(problems[0]).toMatchObject({ code: "CERTIFICATE_INVALID" });
  expect(await name()).toBe("first");
  await issue("second");
  while ((await name()) !== "second") await delay(20);
});

test("a port that is taken is said with its holder", async () => {
  await using at = await serve();
  await expect(serve({ port: at.server.port })).rejects.toMatchObject({ code: "PORT_IN_USE" });
});
