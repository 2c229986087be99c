import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../base/clock.js";
import { isSlipwayError } from "../base/errors.js";
import { discardEvents } from "../base/events.js";
import { type PathEnvironment, resolvePaths } from "../base/paths.js";
import { purge } from "./purge.js";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "slipway-purge-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const contextFor = (env: PathEnvironment) => ({
  paths: resolvePaths(env, home),
  events: discardEvents,
  signal: new AbortController().signal,
  clock: systemClock,
});

test("only slipway's own directories go, and nothing that a link in them points to", async () => {
  await mkdir(join(home, ".config/slipway"), { recursive: true });
  await mkdir(join(home, ".config/other"), { recursive: true });
  await mkdir(join(home, ".cache/slipway/components"), { recursive: true });
  await writeFile(join(home, "precious"), "");
  await symlink(home, join(home, ".cache/slipway/link"));
  await purge(contextFor({}), undefined);
  expect((await readdir(home)).sort()).toEqual([".cache", ".config", "precious"]);
  expect(await readdir(join(home, ".config"))).toEqual(["other"]);
  expect(await readdir(join(home, ".cache"))).toEqual([]);
});

test("SLIPWAY_HOME itself stays", async () => {
  const slipwayHome = join(home, "sh");
  await mkdir(join(slipwayHome, "state/profiles"), { recursive: true });
  await writeFile(join(slipwayHome, "note"), "");
  await purge(contextFor({ SLIPWAY_HOME: slipwayHome }), slipwayHome);
  expect(await readdir(slipwayHome)).toEqual(["note"]);
});

test("a path that is not slipway's is refused before anything is removed", async () => {
  const context = contextFor({});
  await mkdir(context.paths.config, { recursive: true });
  const foreign = { ...context, paths: { ...context.paths, cache: home } };
  const error = await purge(foreign, undefined).catch((thrown: unknown) => thrown);
  expect(isSlipwayError(error, "STATE_WRITE_FAILED") && error.message).toContain(home);
  expect(await readdir(join(home, ".config"))).toEqual(["slipway"]);
});

test("a directory with something mounted in it is refused before anything is removed", async () => {
  const context = contextFor({});
  await mkdir(context.paths.config, { recursive: true });
  const mountInfo = `36 35 0:30 / ${home}/.local/state/slipway/machines/demo/rootfs rw shared:1 - overlay overlay rw\n`;
  await expect(purge(context, undefined, mountInfo)).rejects.toThrow("a node that still runs");
  expect(await readdir(join(home, ".config"))).toEqual(["slipway"]);
});
