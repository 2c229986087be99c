import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Clock } from "./clock.js";
import { met, unmet, waitFor } from "./condition.js";
import { isSlipwayError } from "./errors.js";
import { readJson, writeFileAtomic } from "./files.js";
import { acquireLock } from "./lock.js";
import { run } from "./run.js";
import { Scope } from "./scope.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-base-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("lock", () => {
  test("a second taker is told who holds it, and gets it after release", async () => {
    const path = join(directory, "lock");
    const first = await acquireLock(path, { what: "profile demo" });
    await expect(acquireLock(path, { what: "profile demo" })).rejects.toThrow(
      `profile demo is in use by process ${process.pid}`,
    );
    await first.release();
    await using second = await acquireLock(path, { what: "profile demo" });
    expect(second).toBeDefined();
  });

  test("the kernel releases the lock of a process that was killed", async () => {
    const path = join(directory, "lock");
    // flock(1) holds the lock for as long as its command runs; SIGKILL leaves no clean-up.
    await run("sh", ["-c", `flock ${path} sh -c 'kill -9 $PPID $$'`], { allowFailure: true });
    await using lock = await acquireLock(path, { what: "profile demo" });
    expect(lock).toBeDefined();
  });
});

describe("writeFileAtomic", () => {
  test("leaves the mode that was asked for and no temporary file", async () => {
    const path = join(directory, "key");
    await writeFileAtomic(path, "old");
    await writeFileAtomic(path, "new", { mode: 0o600 });
    expect(await readFile(path, "utf8")).toBe("new");
    expect((await stat(path)).mode & 0o7777).toBe(0o600);
    expect(await readdir(directory)).toEqual(["key"]);
  });

  test("a path that cannot be written is named", async () => {
    await expect(writeFileAtomic("/dev/full/x", "data")).rejects.toSatisfy((e) =>
      isSlipwayError(e, "STATE_WRITE_FAILED"),
    );
  });

  test("torn JSON is reported, not used", async () => {
    const path = join(directory, "state.json");
    await writeFileAtomic(path, '{"a": 1');
    await expect(readJson(path)).rejects.toSatisfy((e) => isSlipwayError(e, "STATE_CORRUPT"));
  });
});

describe("run", () => {
  test("a failure carries the command and its output", async () => {
    const failure = await run("sh", ["-c", "echo broken >&2; exit 3"]).catch((e: unknown) => e);
    expect(isSlipwayError(failure, "PROGRAM_FAILED") && failure.details.output).toBe("broken");
    expect(isSlipwayError(failure) && failure.message).toContain("exit code 3");
  });

  test("a missing program is named", async () => {
    await expect(run("slipway-no-such-program", [])).rejects.toSatisfy((e) =>
      isSlipwayError(e, "PROGRAM_NOT_FOUND"),
    );
  });

  test("lines arrive as they come", async () => {
    const lines: string[] = [];
    await run("printf", ["a\\nb\\nc"], { onLine: (line) => lines.push(line) });
    expect(lines).toEqual(["a", "b", "c"]);
  });

  test("a time-out ends the program", async () => {
    await expect(run("sleep", ["10"], { timeoutMs: 50 })).rejects.toSatisfy((e) =>
      isSlipwayError(e, "TIMED_OUT"),
    );
  });
});

test("a time-out names the condition and what was last seen", async () => {
  const never = { name: "the moon is full", check: async () => unmet("it is waning") };
  const failure = await waitFor(never, undefined, { timeoutMs: 30, intervalMs: 5 }).catch((e: unknown) => e);
  expect(isSlipwayError(failure, "TIMED_OUT") && failure.details["last seen"]).toBe("it is waning");
  await waitFor({ name: "now", check: async () => met() }, undefined, { timeoutMs: 30 });
});

test("a wait is as long as it should be, wherever the clock is set meanwhile", async () => {
  for (const step of [-10 * 365 * 86_400_000, 10 * 365 * 86_400_000]) {
    let looks = 0;
    let [monotonicMs, wallMs] = [0, Date.UTC(2026, 10, 21)];
    const clock: Clock = {
      now: () => new Date(wallMs),
      monotonicMs: () => monotonicMs,
      async sleep(ms) {
        monotonicMs += ms;
        wallMs += ms + (looks === 3 ? step : 0);
      },
    };
    const never = {
      name: "the moon is full",
      async check() {
        looks++;
        return unmet("it is waning");
      },
    };
    const wait = waitFor(never, undefined, { timeoutMs: 1000, intervalMs: 100, clock });
    await expect(wait).rejects.toSatisfy((e) => isSlipwayError(e, "TIMED_OUT"));
    expect(looks).toBe(11);
  }
});

test("a scope cleans up last to first, even past a failure", async () => {
  const order: string[] = [];
  const use = async () => {
    await using scope = new Scope();
    scope.defer(() => order.push("first"));
    scope.defer(() => {
      throw new Error("second");
    });
    scope.defer(() => order.push("third"));
  };
  await expect(use()).rejects.toThrow("second");
  expect(order).toEqual(["third", "first"]);
});
