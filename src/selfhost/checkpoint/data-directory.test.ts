import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readDataDirectory, stageDataDirectory } from "./data-directory.js";

let root: string;
let path: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "slipway-data-"));
  path = join(root, "ns/pod/volume");
});
afterEach(() => rm(root, { recursive: true }));

const stage = (files: Record<string, string>, mode = 0o644) =>
  stageDataDirectory({
    path,
    files: Object.entries(files).map(([name, text]) => ({ path: name, contents: Buffer.from(text), mode })),
  });

/** @returns whether anything changed */
async function write(files: Record<string, string>, mode?: number): Promise<boolean> {
  const staged = await stage(files, mode);
  await staged?.commit();
  return staged !== undefined;
}

test("names are links through ..data, as in a volume of the kubelet's", async () => {
  expect(await write({ "tls.key": "k", "deep/a": "1" }, 0o400)).toBe(true);
  expect(await readlink(join(path, "tls.key"))).toBe("..data/tls.key");
  expect(await readlink(join(path, "deep"))).toBe("..data/deep");
  expect(await readFile(join(path, "deep/a"), "utf8")).toBe("1");
  expect((await stat(join(path, "tls.key"))).mode & 0o777).toBe(0o400);
  // What protects them from others on the node.
  expect((await stat(join(root, "ns"))).mode & 0o777).toBe(0o700);
});

test("is swapped as a whole: keys that went are gone, and nothing lingers", async () => {
  await write({ a: "1", b: "2" });
  const before = await readlink(join(path, "..data"));
  expect(await write({ b: "3", c: "4" })).toBe(true);
  const after = await readlink(join(path, "..data"));
  expect(after).not.toBe(before);
  expect((await readdir(path)).sort()).toEqual(["..data", after, "b", "c"].sort());
  expect(await readDataDirectory(path)).toEqual(
    new Map([
      ["b", Buffer.from("3")],
      ["c", Buffer.from("4")],
    ]),
  );
});

test("what is staged is not seen, and what is discarded leaves nothing", async () => {
  await write({ a: "1" });
  const before = await readdir(path);
  const staged = await stage({ a: "2" });
  expect(await readDataDirectory(path)).toEqual(new Map([["a", Buffer.from("1")]]));
  await staged?.discard();
  expect(await readdir(path)).toEqual(before);
});

test("the same again changes nothing; another mode does", async () => {
  await write({ a: "1" });
  expect(await write({ a: "1" })).toBe(false);
  expect(await write({ a: "1" }, 0o600)).toBe(true);
});

test("what a killed write left is cleaned up", async () => {
  await write({ a: "1" });
  await writeFile(join(path, "..data_tmp"), "");
  await writeFile(join(path, "..0000"), "");
  await write({ a: "2" });
  expect((await readdir(path)).length).toBe(3);
});

test("an empty one is a directory", async () => {
  await write({});
  expect(await readDataDirectory(path)).toEqual(new Map());
  expect(await readDataDirectory(join(root, "none"))).toBeUndefined();
});
