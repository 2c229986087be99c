import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../../src/base/run.js";
import { translateButane } from "../../../src/ignition/butane/translate.js";
import { invalidConfigs, validConfigs } from "../../../src/ignition/fixtures/configs.js";
import { mergeConfigs } from "../../../src/ignition/merge.js";
import { parseIgnition } from "../../../src/ignition/parse.js";
import { upgradeIgnition } from "../../../src/ignition/upgrade.js";
import { firstBuildMs } from "../ignition/real-ignition.js";
import { containerLinuxConfigs, oldConfigs } from "./old-configs.js";
import { realPeers } from "./peers.js";

let scratch: string;
let validator: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "slipway-ignition-validate-"));
  validator = (await realPeers()).ignitionValidate;
}, firstBuildMs);
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** What the real ignition-validate says. */
async function validate(text: string): Promise<{ accepted: boolean; log: string }> {
  const file = join(scratch, "config.ign");
  await writeFile(file, text);
  const { exitCode, stdout, stderr } = await run(validator, [file], { allowFailure: true });
  return { accepted: exitCode === 0, log: stdout + stderr };
}

/** The places in its report: `error at $.storage.files.0.path, line 5 col 7: …` */
const linesOf = (log: string): number[] =>
  [...log.matchAll(/^error at \S+, line (\d+) col \d+: /gm)].map(([, line]) => Number(line));

describe("the same verdict", () => {
  test.each(Object.entries(invalidConfigs))("%s", async (_, { config, stricter = false }) => {
    const { accepted, log } = await validate(JSON.stringify(config));
    expect(accepted, log).toBe(stricter);
  });

  test.each(Object.entries(validConfigs))("%s", async (_, config) => {
    const { accepted, log } = await validate(JSON.stringify(config));
    expect(accepted, log).toBe(true);
  });
});

test("errors are found in the same lines", async () => {
  let compared = 0;
  for (const [name, { config, stricter }] of Object.entries(invalidConfigs)) {
    // Of two that clash, theirs names the file and ours the directory.
    if (stricter || name === "a file that is a directory too") continue;
    const text = JSON.stringify(config, null, 1);
    const theirs = linesOf((await validate(text)).log);
    if (theirs.length === 0) continue; // it did not get as far as to have places
    const ours = parseIgnition(text, "a.ign").problems.map(({ line }) => line);
    const nearest = Math.min(...theirs.flatMap((line) => ours.map((other) => Math.abs(line - other))));
    expect(nearest, `${name}: theirs ${theirs}, ours ${ours}`).toBeLessThanOrEqual(3);
    compared++;
  }
  expect(compared).toBeGreaterThan(40);
});

test.each(Object.entries(oldConfigs))("what 2.x becomes is valid: %s", async (_, old) => {
  const { config, problems } = upgradeIgnition(JSON.stringify(old), "old.ign", 4);
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  const { accepted, log } = await validate(JSON.stringify(config));
  expect(accepted, log).toBe(true);
});

test.each(Object.entries(containerLinuxConfigs))(
  "what a Container Linux Config becomes is valid: %s",
  async (_, yaml) => {
    const { config, problems } = translateButane(yaml, { file: "old.yaml" });
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    const { accepted, log } = await validate(JSON.stringify(config));
    expect(accepted, log).toBe(true);
  },
);

test.each(["3.1", "3.2", "3.3", "3.4", "3.5"])("what is brought to %s is valid", async (to) => {
  for (const [name, config] of Object.entries(validConfigs)) {
    const { config: upgraded } = upgradeIgnition(JSON.stringify(config), name, Number(to.slice(2)));
    if (!upgraded) continue; // it was newer
    const { accepted, log } = await validate(JSON.stringify(upgraded));
    expect(accepted, `${name}: ${log}`).toBe(true);
  }
});

test("what is merged is valid", async () => {
  const configs = Object.values(validConfigs).flatMap((config) => {
    const parsed = parseIgnition(JSON.stringify(config), "a.ign").config;
    return parsed ? [parsed] : [];
  });
  let merged = 0;
  for (const [i, parent] of configs.entries()) {
    const text = JSON.stringify(mergeConfigs([parent, configs[(i + 1) % configs.length]!]));
    const { accepted, log } = await validate(text);
    expect(accepted, log).toBe(parseIgnition(text, "merged").config !== undefined);
    if (accepted) merged++;
  }
  expect(merged).toBeGreaterThan(configs.length / 2);
});
