import { afterEach, beforeEach, expect, test } from "vitest";
import type { Proxies } from "../../base/context.js";
import { isSlipwayError } from "../../base/errors.js";
import { TestContext } from "../test-context.js";
import { TestProxy } from "../test-proxy.js";
import { HttpClient } from "./http.js";

let context: TestContext;
let proxy: TestProxy;
let port: number;
beforeEach(async () => {
  context = await TestContext.create();
  const url = await context.serve((request, response) => response.end(`${request.headers.host}`));
  port = Number(new URL(url).port);
  proxy = await TestProxy.listen({ port }, context);
});
afterEach(() => context[Symbol.asyncDispose]());

const get = async (url: string, proxies: Proxies) =>
  new HttpClient({ signal: context.signal, proxies }).text(url, { maxBytes: 100 });

test("http goes to the proxy with the whole URL, and with the credentials of the proxy's URL", async () => {
  const http = `http://ada:secret@${proxy.address}`;
  expect(await get("http://release.test/file", { http })).toBe("release.test");
  expect(proxy.asked).toEqual([
    {
      what: "GET http://release.test/file",
      authorization: `Basic ${Buffer.from("ada:secret").toString("base64")}`,
    },
  ]);
});

test("https goes through a tunnel; a proxy that refuses it is said, without its credentials", async () => {
  proxy.refusal = 407;
  const https = `http://ada:secret@${proxy.address}`;
  const error = await get("https://release.test/file", { https }).catch((e: unknown) => e);
  expect(proxy.asked[0]?.what).toBe("CONNECT release.test:443");
  expect(String(error)).toContain("release.test cannot be reached");
  expect(String(error)).toContain("407");
  expect(JSON.stringify(error) + String(error)).not.toContain("secret");
});

test.each([["127.0.0.1"], ["example.com,127.0.0.1"], ["*"]])(
  "hosts of NO_PROXY=%s are asked straight",
  async (none) => {
    const http = `http://${proxy.address}`;
    expect(await get(`http://127.0.0.1:${port}/file`, { http, none })).toBe(`127.0.0.1:${port}`);
    expect(proxy.asked).toEqual([]);
  },
);

test("the environment of the process is not read", async () => {
  process.env.HTTP_PROXY = "http://127.0.0.1:1";
  try {
    expect(await get(`http://127.0.0.1:${port}/file`, {})).toBe(`127.0.0.1:${port}`);
    const https = `http://${proxy.address}`;
    expect(
      await get("http://release.test/file", { https, none: "other.test" }).catch(() => "not straight"),
    ).toBe("not straight");
  } finally {
    delete process.env.HTTP_PROXY;
  }
  expect(proxy.asked).toEqual([]);
});

test.each([["socks5://proxy:1080"], ["http://"], ["//ada:secret@proxy"]])("%s is no proxy", async (http) => {
  const error = await get("http://release.test/file", { http }).catch((e: unknown) => e);
  expect(isSlipwayError(error, "USAGE") && error.message).toBe(
    "HTTP_PROXY is not the URL of an http or https proxy",
  );
});
