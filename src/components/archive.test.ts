import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { Header } from "tar";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isSlipwayError } from "../base/errors.js";
import { readArchive } from "./archive.js";
import { TestContext } from "./test-context.js";

interface Member {
  path: string;
  type?: "File" | "Directory" | "SymbolicLink" | "Link" | "CharacterDevice";
  linkpath?: string;
  text?: string;
}

function tarOf(members: Member[]): Buffer {
  const blocks = members.flatMap(({ path, type = "File", linkpath, text = "" }) => {
    const header = Buffer.alloc(512);
    const size = Buffer.byteLength(text);
    new Header({
      path,
      type,
      mode: 0o755,
      size,
      mtime: new Date(0),
      ...(linkpath ? { linkpath } : {}),
    }).encode(header);
    const body = Buffer.alloc(Math.ceil(size / 512) * 512);
    body.write(text);
    return [header, body];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

let context: TestContext;
beforeEach(async () => {
  context = await TestContext.create();
});
afterEach(() => context[Symbol.asyncDispose]());

/** Reads an archive and takes out `wanted`. */
async function take(bytes: Buffer, maxBytes = 1_000_000): Promise<unknown> {
  const archive = join(context.directory, "archive.tgz");
  await writeFile(archive, bytes);
  const visit = ({ path }: { path: string }) =>
    path === "wanted" ? join(context.directory, "out") : undefined;
  return readArchive(archive, visit, { maxBytes, signal: context.signal }).catch((e: unknown) => e);
}

const reasonOf = (error: unknown) => (isSlipwayError(error, "COMPONENT_CORRUPT") ? error.message : error);

test.each([
  ["plain", (bytes: Buffer) => bytes],
  ["gzipped", (bytes: Buffer) => gzipSync(bytes)],
])("takes a member out of a %s archive", async (_, pack) => {
  const bytes = tarOf([
    { path: "./", type: "Directory" },
    { path: "./other", text: "no" },
    { path: "./wanted", text: "yes" },
    { path: "lib/a.so", type: "SymbolicLink", linkpath: "../wanted" },
  ]);
  expect(await take(pack(bytes))).toBeUndefined();
  expect(await readFile(join(context.directory, "out"), "utf8")).toBe("yes");
});

describe("an archive is not accepted with", () => {
  test.each<[string, Member, string]>([
    ["a name that climbs", { path: "../evil" }, "leads outside"],
    ["a name that climbs and comes back", { path: "a/../../archive/b" }, "leads outside"],
    ["an absolute name", { path: "/etc/passwd" }, "leads outside"],
    ["a link outside", { path: "a", type: "SymbolicLink", linkpath: "../../etc" }, "leads outside"],
    ["an absolute link", { path: "a", type: "SymbolicLink", linkpath: "/etc" }, "link to /etc"],
    ["a hard link outside", { path: "a", type: "Link", linkpath: "../x" }, "leads outside"],
    ["a device", { path: "a", type: "CharacterDevice" }, "is a CharacterDevice"],
  ])("%s, even when the file wanted is good", async (_, bad, reason) => {
    for (const members of [
      [bad, { path: "wanted", text: "yes" }],
      [{ path: "wanted", text: "yes" }, bad],
    ]) {
      expect(reasonOf(await take(tarOf(members)))).toContain(reason);
    }
  });

  test("more in it than it may have", async () => {
    expect(reasonOf(await take(tarOf([{ path: "wanted", text: "x".repeat(2000) }]), 1000))).toContain(
      "more than 1000 bytes",
    );
  });

  test("a gzip bomb", async () => {
    const bomb = gzipSync(tarOf([{ path: "wanted", text: "0".repeat(50_000_000) }]));
    expect(bomb.length).toBeLessThan(100_000);
    expect(reasonOf(await take(bomb, 1e9))).toContain("decompression ratio");
  });

  test("a bad gzip stream", async () => {
    const bytes = gzipSync(tarOf([{ path: "wanted", text: "x".repeat(5000) }]));
    bytes.fill(0xff, 20, 40);
    expect(reasonOf(await take(bytes))).toContain("was not accepted");
  });
});

test("cut anywhere, an archive is refused or complete", async () => {
  const whole = tarOf([
    { path: "other", text: "a".repeat(700) },
    { path: "wanted", text: "b".repeat(700) },
  ]);
  const zipped = gzipSync(whole);
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.nat(), async (gz, n) => {
      const bytes = gz ? zipped : whole;
      await rm(join(context.directory, "out"), { force: true });
      const error = await take(bytes.subarray(0, n % bytes.length));
      if (error !== undefined) return isSlipwayError(error, "COMPONENT_CORRUPT");
      // Only what follows the last member may be missing; without the member, the caller misses it.
      const out = (await readdir(context.directory)).includes("out");
      return !out || (await readFile(join(context.directory, "out"), "utf8")) === "b".repeat(700);
    }),
    { numRuns: 60 },
  );
});
