import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AppendLog } from "./append-log.js";

test("what a disk did not take is in the file as soon as it takes something again", async () => {
  const directory = await mkdtemp(join(tmpdir(), "slipway-append-"));
  const path = join(directory, "log");
  const all: string[] = [];
  const waiting: string[] = [];
  const log = await AppendLog.open(path, {
    lines: 0,
    count: 0,
    whole: true,
    take: () => waiting.splice(0),
    all: () => all,
    // Two lines are added; then the file is written anew each time.
    maxLines: () => 2,
  });
  const add = (line: string) => {
    all.push(line);
    waiting.push(line);
    return new Promise<void>((resolve, reject) => log.commit((error) => (error ? reject(error) : resolve())));
  };
  try {
    await Promise.all([add("1\n"), add("2\n")]);
    expect(log.settled).toBe(true);
    await rm(directory, { recursive: true });
    await expect(add("3\n")).rejects.toMatchObject({ code: "STATE_WRITE_FAILED" });
    expect(log.settled).toBe(false);
    await mkdir(directory);
    await add("4\n");
    expect(await readFile(path, "utf8")).toBe("1\n2\n3\n4\n");
    expect(log.settled).toBe(true);
  } finally {
    await log.close();
    await rm(directory, { recursive: true, force: true });
  }
});
