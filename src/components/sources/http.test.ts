import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isSlipwayError, type SlipwayError } from "../../base/errors.js";
import { TestContext } from "../test-context.js";
import { HttpClient } from "./http.js";

const content = Buffer.from("the file as it was released\n".repeat(1000));
const sha256 = createHash("sha256").update(content).digest("hex");
const bounds = { connectTimeoutMs: 2000, idleTimeoutMs: 300, maxRedirects: 3 };

let context: TestContext;
beforeEach(async () => {
  context = await TestContext.create();
});
afterEach(() => context[Symbol.asyncDispose]());

const destination = () => join(context.directory, "file");

async function download(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  maxBytes = 1_000_000,
): Promise<SlipwayError | undefined> {
  const url = `${await context.serve(handler)}/file`;
  const error = await new HttpClient(context, bounds)
    .file({ url, destination: destination(), sha256, maxBytes })
    .then(
      () => undefined,
      (e: unknown) => e,
    );
  if (error === undefined) return undefined;
  if (!isSlipwayError(error)) throw error;
  // Whatever was wrong: there is no file that could be taken for the real one.
  expect(await readdir(context.directory)).not.toContain("file");
  return error;
}

test("a good file arrives whole, with its progress", async () => {
  const progress: number[] = [];
  const url = await context.serve((_, response) => response.end(content));
  const client = new HttpClient(context, bounds);
  await client.file({
    url,
    destination: destination(),
    sha256,
    maxBytes: 1_000_000,
    onProgress: (n) => progress.push(n),
  });
  expect(await readFile(destination())).toEqual(content);
  expect(progress.at(-1)).toBe(content.length);
});

describe("what is not accepted", () => {
  test.each<[string, string, (request: IncomingMessage, response: ServerResponse) => void]>([
    [
      "a file cut short, with a length",
      "was cut short",
      (_, response) => {
        response.writeHead(200, { "content-length": content.length });
        response.write(content.subarray(0, 5000), () => response.destroy());
      },
    ],
    [
      "a file cut short, in chunks",
      "was cut short",
      (_, response) => {
        response.write(content.subarray(0, 5000), () => response.destroy());
      },
    ],
    ["a file with another hash", "another hash", (_, response) => response.end("something else")],
    [
      "a server that stops sending",
      "stalled: no byte for 0.3 s",
      (_, response) => {
        response.writeHead(200, { "content-length": content.length });
        response.write(content.subarray(0, 5000));
      },
    ],
    ["a server that never answers", "did not answer within 2 s", () => {}],
    ["a missing file", "answers 404", (_, response) => response.writeHead(404).end("not here")],
    ["a broken server", "answers 500", (_, response) => response.writeHead(500).end()],
    [
      "a redirect loop",
      "redirects more than 3 times",
      (request, response) => response.writeHead(302, { location: `${request.url}x` }).end(),
    ],
    [
      "a redirect to a file",
      "not an http",
      (_, response) => response.writeHead(302, { location: "file:///etc/passwd" }).end(),
    ],
    ["a redirect to nowhere", "answers 302", (_, response) => response.writeHead(302).end()],
  ])("%s", async (_, message, handler) => {
    const error = await download(handler);
    expect(error?.message).toContain(message);
    expect(error?.message).toContain("127.0.0.1");
    expect(error?.code).toMatch(/COMPONENT_(UNAVAILABLE|CORRUPT)/);
  });

  test("a file that is longer than it may be, said or unsaid", async () => {
    const said = await download((_, response) => response.end(content), 100);
    expect(said?.message).toContain("more than the 100 it may be");
    const unsaid = await download((_, response) => {
      response.write(content);
      response.end(content);
    }, 100);
    expect(unsaid?.message).toContain("longer than the 100 bytes");
  });

  test("a wrong hash says what was expected and what came", async () => {
    const error = await download((_, response) => response.end("something else"));
    expect(error?.details.expected).toContain(sha256);
    expect(error?.details.found).toMatch(/[0-9a-f]{64}/);
  });
});

describe("resuming", () => {
  const ranged = (request: IncomingMessage, response: ServerResponse) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (from >= content.length) return response.writeHead(416).end();
    const range = { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` };
    return response.writeHead(from > 0 ? 206 : 200, from > 0 ? range : {}).end(content.subarray(from));
  };

  test("goes on where an interrupted download stopped", async () => {
    await writeFile(`${destination()}.part`, content.subarray(0, 20_000));
    let sent = 0;
    const error = await download((request, response) => {
      sent += content.length - Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      ranged(request, response);
    });
    expect(error).toBeUndefined();
    expect(sent).toBe(content.length - 20_000);
    expect(await readFile(destination())).toEqual(content);
  });

  test.each([
    ["damaged", Buffer.alloc(20_000)],
    ["complete but of another file", Buffer.alloc(content.length)],
    ["longer than the file", Buffer.alloc(content.length + 10)],
  ])("a part that is %s costs one more download", async (_, part) => {
    await writeFile(`${destination()}.part`, part);
    expect(await download(ranged)).toBeUndefined();
    expect(await readFile(destination())).toEqual(content);
  });

  test("a server without ranges sends it all again", async () => {
    await writeFile(`${destination()}.part`, content.subarray(0, 20_000));
    expect(await download((_, response) => response.end(content))).toBeUndefined();
    expect(await readFile(destination())).toEqual(content);
  });
});

describe("a host that cannot be reached", () => {
  test("is asked once", async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    context.defer(() => server.close());
    const { port } = server.address() as { port: number };
    const client = new HttpClient(context, bounds);
    const ask = (name: string) =>
      client.text(`http://127.0.0.1:${port}/${name}`, { maxBytes: 10 }).catch((e: unknown) => e);
    const answers = await Promise.all([ask("a"), ask("b"), ask("c")]);
    answers.push(await ask("d"));
    for (const answer of answers) expect(String(answer)).toContain("cannot be reached");
    expect(connections).toBe(1);
  });

  test("an abort is not taken for a refusal", async () => {
    const url = await context.serve(() => context.abort.abort(new Error("stop")));
    const client = new HttpClient(context, bounds);
    await expect(client.text(url, { maxBytes: 10 })).rejects.toThrow("stop");
  });
});

test("credentials are not carried to another host", async () => {
  const seen: (string | undefined)[] = [];
  const other = await context.serve((request, response) => {
    seen.push(request.headers.authorization);
    response.end("ok");
  });
  const first = await context.serve((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(307, { location: other }).end();
  });
  const client = new HttpClient(context, bounds);
  await client.text(first, { maxBytes: 10, headers: { authorization: "Bearer secret" } });
  expect(seen).toEqual(["Bearer secret", undefined]);
});
