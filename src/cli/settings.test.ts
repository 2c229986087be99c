import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../base/clock.js";
import type { Context } from "../base/context.js";
import { isSlipwayError } from "../base/errors.js";
import { discardEvents } from "../base/events.js";
import { makeDirectory } from "../base/files.js";
import { resolvePaths } from "../base/paths.js";
import { parseSetting, readSettings, settingsPath, writeSettings } from "./settings.js";

let home: string;
let context: Context;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "slipway-settings-"));
  const { signal } = new AbortController();
  context = { paths: resolvePaths({}, home), events: discardEvents, signal, clock: systemClock };
});
afterEach(() => rm(home, { recursive: true, force: true }));

test("what is set is read again, by the flags' names and types", async () => {
  expect(await readSettings(context.paths)).toEqual({});
  const settings = {
    ...parseSetting("nodes", "3"),
    ...parseSetting("memory", "4Gi"),
    ...parseSetting("keep-context", "true"),
    ...parseSetting("addons", "metrics-server"),
  };
  expect(settings).toEqual({ nodes: 3, memory: "4Gi", "keep-context": true, addons: ["metrics-server"] });
  await writeSettings(settings, context);
  expect(await readSettings(context.paths)).toEqual(settings);
  const path = settingsPath(context.paths);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readFile(path, "utf8")).toMatch(/\n$/);
});

test.each([
  ["memry", "4Gi", "there is no setting memry, did you mean memory?"],
  ["dry-run", "true", "there is no setting dry-run"],
  ["nodes", "two", "nodes must be a whole number, not two"],
  ["nodes", "0", "--nodes: 0 is too small; at least 1"],
  ["keep-context", "yes", "keep-context must be true or false, not yes"],
  ["driver", "docker", "driver cannot be docker"],
  [
    "memory",
    "lots",
    '--memory: "lots" is not an amount of memory; write 4Gi, 512Mi, a number of MiB, max or no-limit',
  ],
  ["wait-timeout", "soon", /^--wait-timeout: "soon"/],
])("%s %s is refused", (name, value, message) => {
  let thrown: unknown;
  try {
    parseSetting(name, value);
  } catch (error) {
    thrown = error;
  }
  expect(isSlipwayError(thrown) && thrown.message).toEqual(
    typeof message === "string" ? message : expect.stringMatching(message),
  );
});

test("a torn or foreign file is named, not used", async () => {
  const path = settingsPath(context.paths);
  await makeDirectory(dirname(path));
  for (const text of ['{"nodes": 3', "[]", "null", '"x"']) {
    await writeFile(path, text);
    const error = await readSettings(context.paths).catch((e: unknown) => e);
    expect(isSlipwayError(error, "STATE_CORRUPT") && error.message).toContain(path);
  }
});
