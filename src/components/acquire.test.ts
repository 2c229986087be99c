import { createHash } from "node:crypto";
import { defaultMaxListeners, getMaxListeners } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isSlipwayError, SlipwayError } from "../base/errors.js";
import { fetchFrom, partition } from "./acquire.js";
import { goArchitecture } from "./catalog.js";
import { tarBytes } from "./oci/tar.js";
import { HttpClient } from "./sources/http.js";
import { mirrorSource } from "./sources/mirror.js";
import type { Source } from "./sources/source.js";
import { upstreamSource } from "./sources/upstream.js";
import { TestContext, testComponent } from "./test-context.js";

let context: TestContext;
beforeEach(async () => {
  context = await TestContext.create();
});
afterEach(() => context[Symbol.asyncDispose]());

/** A source that writes the component's name, and remembers what it was asked for. */
function recording(kind: Source["kind"], groupOf: Source["groupOf"], asked: string[]): Source {
  return {
    kind,
    groupOf,
    async fetch(requests) {
      asked.push(`${kind}: ${requests.map(({ component }) => component.name).join(" ")}`);
      for (const { component, destination } of requests) await writeFile(destination, component.name);
      return requests.map(() => ({ provenance: { source: kind, origin: "here" } }));
    },
  };
}

const refusing = (kind: Source["kind"], message: string): Source => ({
  kind,
  groupOf: ({ name }) => name,
  fetch: () => Promise.reject(new SlipwayError("COMPONENT_UNAVAILABLE", message)),
});

describe("sources", () => {
  test("are asked in order, each for what is left, groups together", async () => {
    const asked: string[] = [];
    const found = await fetchFrom(
      [
        recording("upstream", ({ name }) => (name === "a" ? "a" : undefined), asked),
        recording("go-module", () => "one module", asked),
      ],
      ["a", "b", "c"].map((name) => testComponent(name)),
      context,
    );
    expect(asked).toEqual(["upstream: a", "go-module: b c"]);
    expect(found.get("a")?.provenance.source).toBe("upstream");
    expect(await readFile(found.get("c")!.path, "utf8")).toBe("c");
  });

  test("that refuse are all named, once for what they say the same of", async () => {
    const error = await fetchFrom(
      [refusing("upstream", "h cannot be reached"), refusing("go-module", "Go is not installed")],
      [testComponent("a"), testComponent("b")],
      context,
    ).catch((e: unknown) => e);
    expect(isSlipwayError(error, "COMPONENT_UNAVAILABLE") && error.details).toEqual({
      "a v1.0.0, b v1.0.0": "upstream: h cannot be reached; go-module: Go is not installed",
    });
  });

  test("what could be got is kept when something else could not", async () => {
    const asked: string[] = [];
    const source = recording("go-module", ({ name }) => (name === "a" ? "a" : undefined), asked);
    const both = [testComponent("a"), testComponent("b")];
    await expect(fetchFrom([source], both, context)).rejects.toThrow("no source could give b v1.0.0");
    await fetchFrom([source], [testComponent("a")], context);
    expect(asked).toEqual(["go-module: a"]);
  });

  test("an image's parts say why they are missing", async () => {
    const image = testComponent("a-image", { kind: "image" });
    const recipe: Source = {
      kind: "recipe",
      groupOf: ({ name }) => (name === "a-image" ? name : undefined),
      fetch: async (_, { ensure }) => {
        await ensure([{ name: "pause", version: "3.10.1" }]);
        return [];
      },
    };
    const builder: Source = {
      kind: "go-module",
      groupOf: ({ name }) => (name === "pause" ? name : undefined),
      fetch: () => Promise.reject(new Error("the proxy said no")),
    };
    const error = await fetchFrom([builder, recipe], [image], context).catch((e: unknown) => e);
    expect(isSlipwayError(error) && Object.values(error.details).join()).toContain("the proxy said no");
  });

  test("an abort ends everything and is not a refusal", async () => {
    const never: Source = {
      kind: "upstream",
      groupOf: () => "x",
      fetch: (_, run) =>
        new Promise((_, reject) => {
          run.context.signal.addEventListener("abort", () => reject(run.context.signal.reason));
          context.abort.abort(new Error("stop"));
        }),
    };
    const asked: string[] = [];
    const next = recording("go-module", () => "x", asked);
    await expect(fetchFrom([never, next], [testComponent("a")], context)).rejects.toThrow("stop");
    expect(asked).toEqual([]);
  });

  test("that get many things at once are told of an abort, all of them, and Node sees no leak in it", async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error) => warnings.push(warning.name);
    process.on("warning", onWarning);
    const signal = context.signal;
    let listening = 0;
    const slow: Source = {
      kind: "upstream",
      groupOf: ({ name }) => name,
      fetch: (_, run) =>
        new Promise((_, reject) => {
          run.context.signal.addEventListener("abort", () => reject(run.context.signal.reason));
          listening += 1;
          if (listening === 30) context.abort.abort(new Error("stop"));
        }),
    };
    const many = Array.from({ length: 30 }, (_, i) => testComponent(`part-${i}`));
    await expect(fetchFrom([slow], many, context)).rejects.toThrow("stop");
    await new Promise((resolve) => setImmediate(resolve)); // warnings come on a later tick
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
    expect(getMaxListeners(signal)).toBe(defaultMaxListeners); // the caller's own signal is left as it was
  });

  test("a full disk ends everything and is said as what it is", async () => {
    const full: Source = {
      kind: "upstream",
      groupOf: ({ name }) => name,
      fetch: () => Promise.reject(new SlipwayError("DISK_FULL", "there is no space left")),
    };
    const asked: string[] = [];
    const next = recording("go-module", () => "x", asked);
    await expect(fetchFrom([full, next], [testComponent("a")], context)).rejects.toSatisfy((e) =>
      isSlipwayError(e, "DISK_FULL"),
    );
    expect(asked).toEqual([]);
  });
});

test("two runs that want the same components fetch them once", async () => {
  const asked: string[] = [];
  const source = recording("go-module", () => "module", asked);
  const components = ["a", "b", "c"].map((name) => testComponent(name));
  await Promise.all([
    fetchFrom([source], components, context),
    fetchFrom([source], components.toReversed(), context),
  ]);
  expect(asked).toEqual(["go-module: a b c"]);
});

test("what no source gets together does not wait for each other", () => {
  const shared = (names: string[]) => ({
    groupOf: ({ name }: { name: string }) => (names.includes(name) ? "g" : undefined),
  });
  const sources = [shared(["a", "b"]), shared(["b", "c"]), shared(["d"])] as unknown as Source[];
  const parts = partition(
    ["a", "c", "d", "e", "b"].map((name) => ({ component: testComponent(name) })),
    sources,
  );
  const names = parts.map((part) =>
    part
      .map(({ component }) => component.name)
      .sort()
      .join(""),
  );
  expect(names.sort()).toEqual(["abc", "d", "e"]);
});

describe("released files", () => {
  const binary = Buffer.from("#!/bin/sh\necho released\n");
  const hashOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

  async function archiveOf(members: Record<string, string>): Promise<Buffer> {
    const chunks: Buffer[] = [];
    const files = Object.entries(members).map(([path, text]) => ({
      path,
      type: "File" as const,
      mode: 0o755,
      sizeBytes: Buffer.byteLength(text),
      content: { text },
    }));
    for await (const chunk of tarBytes(files)) chunks.push(chunk);
    return gzipSync(Buffer.concat(chunks));
  }

  const serveFiles = (files: Record<string, Buffer | string>, asked: string[] = []) =>
    context.serve((request, response) => {
      asked.push(request.url!);
      const file = files[request.url!];
      if (file === undefined) response.writeHead(404).end();
      else response.end(file);
    });

  const fetchUpstream = (components: ReturnType<typeof testComponent>[]) =>
    fetchFrom([upstreamSource], components, context, new HttpClient(context));

  test("a bare file with its published hash", async () => {
    const url = await serveFiles({ "/tool": binary, "/tool.sha256": hashOf(binary) });
    const upstream = { url: `${url}/{name}`, checksumUrl: `${url}/{name}.sha256` };
    const found = await fetchUpstream([testComponent("tool", { upstream })]);
    expect(found.get("tool")?.provenance).toEqual({ source: "upstream", origin: `${url}/tool` });
    expect(await readFile(found.get("tool")!.path)).toEqual(binary);
  });

  test("two members of an archive cost one download", async () => {
    const asked: string[] = [];
    const archive = await archiveOf({ "v1.0.0/one": "1", "v1.0.0/two": "2" });
    const sums = `${hashOf(archive)}  all.tgz\n`;
    const url = await serveFiles({ "/all.tgz": archive, "/SUMS": sums }, asked);
    const upstream = { url: `${url}/all.tgz`, checksumUrl: `${url}/SUMS`, member: "{version}/{name}" };
    const found = await fetchUpstream(["one", "two"].map((name) => testComponent(name, { upstream })));
    expect(await readFile(found.get("two")!.path, "utf8")).toBe("2");
    expect(asked.sort()).toEqual(["/SUMS", "/all.tgz"]);
  });

  test.each<[string, Record<string, string | Buffer>, string]>([
    ["has another hash", { "/tool": binary, "/tool.sha256": hashOf(Buffer.from("x")) }, "another hash"],
    ["has no published hash", { "/tool": binary }, "tool.sha256 answers 404"],
    ["has a page for a hash", { "/tool": binary, "/tool.sha256": "<html>" }, "do not name tool"],
    ["is missing", { "/tool.sha256": hashOf(binary) }, "/tool answers 404"],
  ])("nothing is stored when the file %s", async (_, files, reason) => {
    const url = await serveFiles(files);
    const upstream = { url: `${url}/{name}`, checksumUrl: `${url}/{name}.sha256` };
    const error = await fetchUpstream([testComponent("tool", { upstream })]).catch((e: unknown) => e);
    expect(isSlipwayError(error, "COMPONENT_UNAVAILABLE") && Object.values(error.details)[0]).toContain(
      reason,
    );
    const file = join(context.paths.cache, "components", "files", "tool");
    await expect(readFile(file)).rejects.toThrow("ENOENT");
  });

  test("an archive without the member is refused", async () => {
    const archive = await archiveOf({ other: "1" });
    const url = await serveFiles({ "/all.tgz": archive, "/SUMS": hashOf(archive) });
    const upstream = { url: `${url}/all.tgz`, checksumUrl: `${url}/SUMS`, member: "{name}" };
    const error = await fetchUpstream([testComponent("tool", { upstream })]).catch((e: unknown) => e);
    expect(isSlipwayError(error) && Object.values(error.details)[0]).toContain("does not hold tool");
  });

  describe("from a mirror", () => {
    const path = `tool/v1.0.0/bin/linux/${goArchitecture()}/tool`;

    test("over HTTP", async () => {
      const url = await serveFiles({ [`/m/${path}`]: binary, [`/m/${path}.sha256`]: hashOf(binary) });
      const found = await fetchFrom(
        [mirrorSource({ binaryMirror: `${url}/m/` })],
        [testComponent("tool")],
        context,
      );
      expect(found.get("tool")?.provenance).toEqual({ source: "mirror", origin: `${url}/m/${path}` });
    });

    test("that is a directory", async () => {
      const file = join(context.directory, "mirror", path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, binary);
      const source = mirrorSource({ binaryMirror: join(context.directory, "mirror") });
      await expect(fetchFrom([source], [testComponent("tool")], context)).rejects.toSatisfy((e) =>
        Object.values((e as SlipwayError).details)[0]!.includes(".sha256 cannot be read"),
      );
      await writeFile(`${file}.sha256`, "0".repeat(64));
      await expect(fetchFrom([source], [testComponent("tool")], context)).rejects.toSatisfy((e) =>
        Object.values((e as SlipwayError).details)[0]!.includes("another hash"),
      );
      await writeFile(`${file}.sha256`, hashOf(binary));
      const found = await fetchFrom([source], [testComponent("tool")], context);
      expect(found.get("tool")?.provenance).toEqual({ source: "mirror", origin: file });
    });
  });
});
