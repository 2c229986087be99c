import { once } from "node:events";
import { constants, createSecureServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createAuthority } from "../pki/authority.js";
import { issueCertificate } from "../pki/certificate.js";
import { connect } from "./client.js";

const now = new Date();
const authority = createAuthority("test", { now, years: 1 });
const leaf = issueCertificate(
  {
    name: "server",
    authority: "cluster",
    commonName: "server",
    organizations: [],
    usages: ["server"],
    dnsNames: [],
    ips: ["127.0.0.1"],
  },
  authority,
  { now, days: 1 },
);

/** A server over real TLS that does with each request what it is told. */
async function serving(answer: (stream: ServerHttp2Stream, request: number) => void) {
  const server = createSecureServer({ cert: leaf.certificatePem, key: leaf.privateKeyPem });
  let requests = 0;
  server.on("stream", (stream) => {
    stream.on("error", () => {}); // its own reset
    answer(stream, ++requests);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect({ server: `https://127.0.0.1:${port}`, caPem: authority.certificatePem });
  onTestFinished(() => {
    client.close();
    server.close();
  });
  return { client, requests: () => requests };
}

test("a request that a server refused unseen, as one that ends does, is asked again over a new connection", async () => {
  const { client, requests } = await serving((stream, request) => {
    if (request === 1) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    stream.respond({ ":status": 200 });
    stream.end("{}");
  });
  expect(await client.request({ method: "POST", path: "/", body: { a: 1 } })).toMatchObject({ status: 200 });
  expect(requests()).toBe(2);
});

test("refused again, it fails; and a request that was cut off is not asked again: it may have been heard", async () => {
  const refusing = await serving((stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
  await expect(refusing.client.get("/")).rejects.toMatchObject({ code: "API_UNREACHABLE" });
  expect(refusing.requests()).toBe(2);
  const cutting = await serving((stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  await expect(cutting.client.get("/")).rejects.toMatchObject({ code: "API_UNREACHABLE" });
  expect(cutting.requests()).toBe(1);
});
