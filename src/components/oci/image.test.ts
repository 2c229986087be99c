import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { extract, type Header } from "tar-stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../base/clock.js";
import type { Context } from "../../base/context.js";
import { isSlipwayError } from "../../base/errors.js";
import { discardEvents } from "../../base/events.js";
import { run } from "../../base/run.js";
import type { StoredComponent } from "../component.js";
import { type ImageRecipe, writeImage } from "./image.js";

let directory: string;
let context: Context;
let hello: StoredComponent;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-oci-"));
  context = {
    paths: { config: directory, state: directory, cache: directory },
    events: discardEvents,
    signal: new AbortController().signal,
    clock: systemClock,
  };
  const path = join(directory, "hello");
  // More than a stream's buffer, so that streaming is exercised.
  await writeFile(path, Buffer.alloc(3_000_001, "hello"));
  hello = {
    name: "hello",
    version: "v1.2.3+build",
    kind: "binary",
    path,
    sha256: "0".repeat(64),
    sizeBytes: 3_000_001,
    provenance: { source: "go-module", origin: "example.org/hello@v1.2.3" },
  };
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const recipe: ImageRecipe = {
  name: "slipway.local/hello",
  components: [{ name: "hello", path: "/usr/bin/hello", capability: "net_bind_service" }],
  directories: { "/var/data": 0o700 },
  files: { "/etc/passwd": "root:x:0:0::/:/bin/sh\n" },
  links: { "/hello": "usr/bin/hello" },
  entrypoint: ["/hello"],
  user: "65532:65532",
};
const inputs = () => new Map([["hello", hello]]);

type Member = Header & { body: Buffer };

async function members(archive: string | Buffer): Promise<Member[]> {
  const tar = extract();
  if (typeof archive === "string") createReadStream(archive).pipe(tar);
  else tar.end(archive);
  const found: Member[] = [];
  for await (const entry of tar) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk as Uint8Array);
    found.push({ ...entry.header, body: Buffer.concat(chunks) });
  }
  return found;
}

const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");

describe("writeImage", () => {
  test("the same input gives the same bytes, whatever the files' times are", async () => {
    await writeImage(recipe, inputs(), join(directory, "one.tar"), context);
    await utimes(hello.path, 1, 1);
    await writeImage(recipe, inputs(), join(directory, "two.tar"), context);
    const [one, two] = await Promise.all(["one.tar", "two.tar"].map((n) => readFile(join(directory, n))));
    expect(sha256(one!)).toBe(sha256(two!));
    expect((await readdir(directory)).filter((name) => name.includes("partial"))).toEqual([]);
  });

  test("every descriptor names a blob with that hash and size, and the layer is as the recipe says", async () => {
    const out = join(directory, "image.tar");
    expect(await writeImage(recipe, inputs(), out, context)).toEqual({
      image: "slipway.local/hello:v1.2.3-build",
    });
    const archive = new Map((await members(out)).map((m) => [m.name, m.body]));
    const blob = ({ digest, size }: { digest: string; size: number }) => {
      const body = archive.get(`blobs/${digest.replace(":", "/")}`)!;
      expect([`sha256:${sha256(body)}`, body.length]).toEqual([digest, size]);
      return body;
    };
    expect(JSON.parse(String(archive.get("oci-layout")))).toEqual({ imageLayoutVersion: "1.0.0" });
    const index = JSON.parse(String(archive.get("index.json")));
    const manifest = JSON.parse(String(blob(index.manifests[0])));
    const config = JSON.parse(String(blob(manifest.config)));
    const layer = blob(manifest.layers[0]);
    expect(config.rootfs.diff_ids).toEqual([manifest.layers[0].digest]);
    expect(config.config.User).toBe("65532:65532");
    expect(config.config.Labels["slipway.dev/source.hello"]).toBe(
      "hello v1.2.3+build from go-module: example.org/hello@v1.2.3",
    );
    const entries = await members(layer);
    expect(entries.map((e) => [e.name, e.type, e.mode?.toString(8)])).toEqual([
      ["etc/", "directory", "755"],
      ["etc/passwd", "file", "644"],
      ["hello", "symlink", "777"],
      ["tmp/", "directory", "1777"],
      ["usr/", "directory", "755"],
      ["usr/bin/", "directory", "755"],
      ["usr/bin/hello", "file", "755"],
      ["var/", "directory", "755"],
      ["var/data/", "directory", "700"],
    ]);
    expect(entries.find((e) => e.name === "usr/bin/hello")?.body.equals(await readFile(hello.path))).toBe(
      true,
    );
  });

  test.runIf(process.getuid?.() === 0)("GNU tar unpacks the layer with the file's capability", async () => {
    const out = join(directory, "image.tar");
    await writeImage(recipe, inputs(), out, context);
    const layer = (await members(out)).at(-1)!;
    await writeFile(join(directory, "layer.tar"), layer.body);
    await run("tar", ["-C", directory, "--xattrs", "--xattrs-include=security.*", "-xf", "layer.tar"], {
      cwd: directory,
    });
    const { stdout } = await run("getcap", [join(directory, "usr/bin/hello")]);
    expect(stdout).toContain("cap_net_bind_service=ep");
    expect((await stat(join(directory, "var/data"))).mode & 0o7777).toBe(0o700);
  });

  test("a missing component and a path through a file are refused, and nothing is left", async () => {
    const out = join(directory, "image.tar");
    const bad: ImageRecipe = { ...recipe, files: { "/usr/bin/hello/x": "" } };
    await expect(writeImage(recipe, new Map(), out, context)).rejects.toThrow("without hello");
    await expect(writeImage(bad, inputs(), out, context)).rejects.toThrow("which is a file");
    expect(await readdir(directory)).toEqual(["hello"]);
  });

  test("a place that cannot be written is named", async () => {
    await expect(writeImage(recipe, inputs(), join(directory, "missing", "x"), context)).rejects.toSatisfy(
      (e) => isSlipwayError(e, "STATE_WRITE_FAILED"),
    );
  });

  test("an aborted signal ends the writing and leaves nothing", async () => {
    const abort = new AbortController();
    const writing = writeImage(recipe, inputs(), join(directory, "image.tar"), {
      ...context,
      signal: abort.signal,
    });
    setTimeout(() => abort.abort(new Error("enough")), 1);
    await expect(writing).rejects.toThrow("enough");
    expect(await readdir(directory)).toEqual(["hello"]);
  });
});
