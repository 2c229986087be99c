import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeData, serve } from "./lab.js";
import { RealMatchbox } from "./peers.js";

const data = await makeData();
let matchbox: RealMatchbox;
let slipway: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  matchbox = await RealMatchbox.start([`-data-path=${data.directory}`, `-assets-path=${data.assets}`]);
  slipway = await serve(data.directory);
}, 30 * 60_000);

afterAll(async () => {
  // What did not come up is not there to be taken down.
  await matchbox?.[Symbol.asyncDispose]();
  await slipway?.[Symbol.asyncDispose]();
  await data[Symbol.asyncDispose]();
});

interface Asked {
  path: string;
  method?: string;
  headers?: Record<string, string>;
}

/** Headers that clients go by. */
const telling = [
  "content-type",
  "content-length",
  "location",
  "accept-ranges",
  "content-range",
  "last-modified",
  "x-content-type-options",
];

async function ask(port: number, { path, method = "GET", headers = {} }: Asked) {
  const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode!,
    headers: Object.fromEntries(telling.map((name) => [name, response.headers[name]])),
    body: Buffer.concat(chunks).toString("latin1"),
  };
}

const both = async (asked: Asked) => ({
  theirs: await ask(matchbox.port, asked),
  ours: await ask(slipway.server.port, asked),
});

const node1 = "mac=52-54-00-00-00-01";
const same: Asked[] = [
  { path: "/" },
  { path: "/nope" },
  { path: "/boot.ipxe" },
  { path: "/boot.ipxe.0" },
  { path: "/boot.ipxe", method: "HEAD" },
  ...["ipxe", "grub", "generic", "cloud"].flatMap((kind) => [
    { path: `/${kind}` },
    { path: `/${kind}?${node1}` },
    { path: `/${kind}?mac=5254.0000.0001&uuid=a%20b+c` },
    { path: `/${kind}?MAC=52:54:00:00:00:01` },
    { path: `/${kind}?mac=none&os=installed` },
    { path: `/${kind}?os=installed&os=other` },
    { path: `/${kind}?os=%zz&kind=empty;` },
    { path: `/${kind}?kind=lost` },
    { path: `/${kind}?${node1}`, method: "HEAD" },
    { path: `/${kind}?${node1}`, method: "POST" },
  ]),
  { path: "/ipxe?kind=empty" },
  { path: "/cloud?kind=empty" },
  { path: `/generic?${node1}`, headers: { range: "bytes=2-5" } },
  { path: `/cloud?${node1}`, headers: { range: "bytes=-3" } },
  { path: `/ipxe?${node1}`, headers: { range: "bytes=2-5" } },
  { path: `/generic?${node1}`, headers: { range: "bytes=500-" } },
  { path: "/ignition?kind=empty" },
  { path: "/ignition?kind=lost" },
  { path: "/metadata", method: "HEAD" },
  ...["GET", "HEAD", "POST"].flatMap((method) =>
    ["vmlinuz", "text", "empty", "x.json", "a%20b&%3Cc%3E.txt", "link", "nope", "sub/", "list/two/deep"].map(
      (name) => ({
        path: `/assets/${name}`,
        method,
      }),
    ),
  ),
  { path: "/assets/list/" },
  { path: "/assets/list/?C=M" },
  { path: "/assets/sub" },
  { path: "/assets/text/" },
  { path: "/assets/text/below" },
  { path: "/assets/%00" },
  ...["bytes=0-3", "bytes=4-", "bytes=-4", "bytes=9-20", "bytes=10-", "bytes=0-0"].map((range) => ({
    path: "/assets/text",
    headers: { range },
  })),
  { path: "/assets/empty", headers: { range: "bytes=0-3" } },
  { path: "/assets/text", headers: { "if-modified-since": "Sun, 13 Sep 2020 12:26:40 GMT" } },
  { path: "/assets/text", headers: { "if-modified-since": "Sun, 13 Sep 2020 12:26:39 GMT" } },
  {
    path: "/assets/text",
    headers: { range: "bytes=1-2", "if-range": "Sun, 13 Sep 2020 12:26:40 GMT" },
  },
  {
    path: "/assets/text",
    headers: { range: "bytes=1-2", "if-range": "Sun, 13 Sep 2020 12:26:39 GMT" },
  },
];

test.each(same)("$method $path $headers is answered as matchbox does", async (asked) => {
  const { theirs, ours } = await both(asked);
  expect(ours).toEqual(theirs);
});

test.each([
  "//ipxe?a=b",
  "/x/../ipxe?a=b",
  "/./generic",
  "/assets",
  "/assets/../ipxe",
  "/assets/list/../text",
  "/assets/..%2fgroups/node1.json",
  "//other.example/x",
])("%s leads to the same place", async (path) => {
  const { theirs, ours } = await both({ path });
  expect([ours.status, ours.headers.location]).toEqual([theirs.status, theirs.headers.location]);
});

/** Matchbox writes what a Go structure has, empty or not. */
const withoutEmpty = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, withoutEmpty(each)] as const);
  return Object.fromEntries(
    entries.filter(
      ([, each]) => !(typeof each === "object" && each !== null && Object.keys(each).length === 0),
    ),
  );
};

test.each([`/ignition?${node1}`, "/ignition", "/ignition?os=installed"])(
  "%s is the same config",
  async (path) => {
    const { theirs, ours } = await both({ path });
    expect([ours.status, ours.headers["content-type"]]).toEqual([
      theirs.status,
      theirs.headers["content-type"],
    ]);
    expect(withoutEmpty(JSON.parse(ours.body))).toEqual(withoutEmpty(JSON.parse(theirs.body)));
  },
);

test("/metadata has the same lines; matchbox's order is random", async () => {
  const { theirs, ours } = await both({ path: `/metadata?${node1}&x=y` });
  expect(ours.headers).toEqual(theirs.headers);
  expect(ours.body.split("\n").sort()).toEqual(theirs.body.split("\n").sort());
});

test("where we differ: nothing outside the assets is served", async () => {
  const { theirs, ours } = await both({ path: "/assets/out" });
  expect([theirs.status, ours.status]).toEqual([200, 404]);
});

test("where we differ: of several ranges the whole is sent", async () => {
  const { theirs, ours } = await both({ path: "/assets/text", headers: { range: "bytes=0-1,4-5" } });
  expect([theirs.status, ours.status, ours.body]).toEqual([206, 200, "0123456789"]);
});
