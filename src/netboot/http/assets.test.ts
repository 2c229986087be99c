import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { run } from "../../base/run.js";
import { openAsset } from "./assets.js";

const base = await mkdtemp(join(tmpdir(), "slipway-assets-"));
const directory = join(base, "assets");
await mkdir(join(directory, "sub"), { recursive: true });
await mkdir(join(directory, "page"));
await writeFile(join(directory, "text"), "0123456789");
await utimes(join(directory, "text"), 1_600_000_000, 1_600_000_000);
await writeFile(join(directory, "vmlinuz"), Buffer.from([0x4d, 0x5a, 0, 0]));
await writeFile(join(directory, "a&b <c>.json"), "{}");
await writeFile(join(directory, "page/index.html"), "hello");
await writeFile(join(base, "secret"), "secret");
await symlink("../secret", join(directory, "out"));
await symlink(base, join(directory, "up"));
await symlink("text", join(directory, "in"));
await run("mkfifo", [join(directory, "pipe")]);
afterAll(() => rm(base, { recursive: true }));

async function get(path: string, headers: Record<string, string> = {}) {
  const slash = path.endsWith("/") || path === "";
  const asset = {
    type: "asset" as const,
    directory,
    path: path.replace(/\/$/, ""),
    slash,
    facts: { route: "/assets/" },
  };
  const answer = await openAsset(asset, headers);
  const head = "file" in answer ? answer.head : answer.response;
  const body =
    "file" in answer
      ? (await answer.file.readFile()).subarray(answer.start, answer.end)
      : answer.response.body;
  if ("file" in answer) await answer.file.close();
  const names = head.headers.filter((_, i) => i % 2 === 0);
  const values = head.headers.filter((_, i) => i % 2 === 1);
  return {
    status: head.status,
    body: body.toString(),
    headers: Object.fromEntries(names.map((name, i) => [name, values[i]])) as Record<string, string>,
    error: "error" in answer ? answer.error : undefined,
  };
}

test("a file, with its type by ending, else by its first bytes", async () => {
  expect(await get("text")).toMatchObject({
    status: 200,
    body: "0123456789",
    headers: {
      "Content-Type": "text/plain; charset=utf-8",
      "Content-Length": "10",
      "Accept-Ranges": "bytes",
      "Last-Modified": "Sun, 13 Sep 2020 12:26:40 GMT",
    },
  });
  expect((await get("vmlinuz")).headers["Content-Type"]).toBe("application/octet-stream");
  expect((await get("a&b <c>.json")).headers["Content-Type"]).toBe("application/json");
});

test.each([
  ["bytes=2-4", 206, "234", "bytes 2-4/10"],
  ["bytes=7-", 206, "789", "bytes 7-9/10"],
  ["bytes=-2", 206, "89", "bytes 8-9/10"],
  ["bytes=5-99", 206, "56789", "bytes 5-9/10"],
  ["bytes=10-", 416, "invalid range: failed to overlap\n", "bytes */10"],
  ["bytes=0-1,4-5", 200, "0123456789", undefined],
  ["lines=1-2", 200, "0123456789", undefined],
])("Range: %s", async (range, status, body, contentRange) => {
  const got = await get("text", { range });
  expect([got.status, got.body, got.headers["Content-Range"]]).toEqual([status, body, contentRange]);
});

test("what the client has already is not sent again", async () => {
  const { headers } = await get("text");
  expect((await get("text", { "if-none-match": headers.ETag! })).status).toBe(304);
  expect((await get("text", { "if-modified-since": headers["Last-Modified"]! })).status).toBe(304);
  expect((await get("text", { "if-modified-since": "Sun, 13 Sep 2020 12:26:39 GMT" })).status).toBe(200);
  const range = "bytes=0-0";
  expect((await get("text", { range, "if-range": headers.ETag! })).status).toBe(206);
  expect((await get("text", { range, "if-range": headers["Last-Modified"]! })).status).toBe(206);
  expect((await get("text", { range, "if-range": '"other"' })).status).toBe(200);
});

test("links inside are followed, what lies outside is not there", async () => {
  expect((await get("in")).body).toBe("0123456789");
  for (const path of ["out", "up/", "up/secret", "../secret", "sub/../../secret"]) {
    expect(await get(path)).toMatchObject({ status: 404, body: "404 page not found\n" });
  }
  expect((await get("out")).error).toContain("leads out");
});

test("what is no file: 404, at once", async () => {
  for (const path of ["pipe", "nope", "text/below", "a\0b", "x".repeat(300)]) {
    expect((await get(path)).status).toBe(404);
  }
});

test("a directory is a page of links, or its index.html", async () => {
  const { body, headers } = await get("");
  expect(headers["Content-Type"]).toBe("text/html; charset=utf-8");
  expect(body).toContain('<a href="a%26b%20%3Cc%3E.json">a&amp;b &lt;c&gt;.json</a>\n');
  expect(body).toContain('<a href="sub/">sub/</a>\n');
  expect((await get("page/")).body).toBe("hello");
  expect(await get("sub")).toMatchObject({ status: 301, headers: { Location: "sub/" } });
  expect(await get("text/")).toMatchObject({ status: 301, headers: { Location: "../text" } });
});
