import { readFileSync } from "node:fs";
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RecordLog, readRecords } from "./record-log.js";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-log-"));
  path = join(directory, "records.ndjson");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("what is durable is there again, in a file for its owner alone", async () => {
  const log = await RecordLog.open<number>(path);
  log.set("a", 1);
  log.set("b", 2);
  log.set("a", 3);
  await log.durable();
  log.delete("b");
  await log.durable();
  expect(await readRecords(path)).toEqual(new Map([["a", 3]]));
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await log.close();
});

test("what is set while the disk is busy goes to it together", async () => {
  const log = await RecordLog.open<number>(path);
  log.set("first", 0);
  const first = log.durable();
  const rest = Array.from({ length: 1000 }, (_, i) => {
    log.set(`k${i % 10}`, i);
    return log.durable();
  });
  await Promise.all([first, ...rest]);
  const lines = (await readFile(path, "utf8")).trim().split("\n");
  expect(lines).toHaveLength(11);
  await log.close();
});

test("whoever is told that it is durable finds it in the file, however many write at a time", async () => {
  const log = await RecordLog.open<number>(path, { spareLines: 20 });
  const writers = Array.from({ length: 16 }, async (_, writer) => {
    for (let i = 0; i < 25; i++) {
      const key = `${writer}-${i}`;
      for (let turn = 0; turn < (writer + i) % 5; turn++) await Promise.resolve();
      log.set(key, i);
      await log.durable();
      expect(readFileSync(path, "utf8")).toContain(`"${key}"`);
    }
  });
  await Promise.all(writers);
  await log.close();
});

test("wherever the end was torn off, all lines before it are there", async () => {
  const log = await RecordLog.open<string>(path);
  for (let i = 0; i < 5; i++) {
    log.set(`k${i}`, "äöü");
    await log.durable();
  }
  await log.close();
  const whole = await readFile(path);
  for (let size = 0; size <= whole.length; size++) {
    await writeFile(path, whole.subarray(0, size));
    const lines = whole.subarray(0, size).toString("latin1").split("\n").length - 1;
    const torn = await RecordLog.open<string>(path);
    expect(torn.size).toBe(lines);
    torn.set("new", "x");
    await torn.close();
    expect((await readRecords(path)).size).toBe(lines + 1);
  }
});

test("rubbish at the end is cut off; rubbish before the end is an error that names its line", async () => {
  const log = await RecordLog.open<number>(path);
  log.set("a", 1);
  await log.close();
  await appendFile(path, `${"\0".repeat(50)}\n\0\0\n`);
  expect(await readRecords(path)).toEqual(new Map([["a", 1]]));
  await appendFile(path, '{"key":"b","value":2}\n');
  await expect(RecordLog.open(path)).rejects.toMatchObject({
    code: "STATE_CORRUPT",
    message: `${path}:2 is not readable: it was damaged or edited`,
  });
});

test("the file stays in bounds, however often records change", async () => {
  const log = await RecordLog.open<number>(path, { spareLines: 50 });
  for (let i = 0; i < 500; i++) {
    log.set(`k${i % 7}`, i);
    await log.durable();
  }
  expect((await readFile(path, "utf8")).split("\n").length).toBeLessThan(60);
  log.set("last", 1);
  await log.close();
  const again = await RecordLog.open<number>(path);
  expect(again.size).toBe(8);
  expect(again.get("k0")).toBe(497);
  await again.close();
});
